// Package sigstore fetches what a launcher image's provenance is judged by: Sigstore's
// trusted root, through TUF, and the Sigstore bundles that a registry keeps beside the
// image.
//
// The registry is the one that the evidence names, so a stranger chooses it. All
// requests to it are bounded in number, size and time, and its answers are judged like
// any other bundle (package verify/provenance/bundle).
//
// Formats: TUF 1.0; the referrers API of OCI distribution 1.1, and the artifacts that
// cosign and GitHub attach by it.
package sigstore

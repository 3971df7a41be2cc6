// Package oci holds the types of image mode that are parsed once and trusted
// afterwards: digests, platforms, image names, and the three documents that lead
// from an approved digest to an image: index, manifest, config.
//
// It answers registries that send something other than what was approved. Every
// document is read from bytes that the caller has hashed; what a registry says
// about them (a Content-Type, a descriptor's media type) is compared with what
// the bytes are, and ambiguous documents, which two readers could take for
// different things (CVE-2021-41190), are refused.
//
// The package is pure: it fetches nothing, and checks no layer. Layers are the
// Docker Engine's to hash, against the manifest and the config proven here.
//
// Formats: OCI image specification 1.1, Docker image manifest version 2, schema 2.
package oci

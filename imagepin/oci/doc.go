// Package oci parses what image mode trusts afterwards: digests, platforms, image names,
// and the three documents between an approved digest and an image: index, manifest,
// config.
//
// It answers a registry that sends something else than what was approved. The caller has
// hashed the bytes of every document. A media type in them must agree with what they are,
// and a document that two readers could take for different things (CVE-2021-41190) is
// refused.
//
// The package is pure: it fetches nothing, and checks no layer. The Docker Engine hashes
// layers against the manifest and the config.
//
// Formats: OCI image specification 1.1, Docker image manifest version 2, schema 2.
package oci

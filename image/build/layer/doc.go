// Package layer reads the files of an image from a tar, and lists them. It makes a layer
// whose bytes are a function of its files, and compares two images.
//
// It answers a builder whom nobody trusts: the same files make the same digest on every
// machine, and where a digest differs, [Compare] names the file. It does not judge what
// the files contain; package debian finds where they came from.
//
// Format: the OCI image specification, https://github.com/opencontainers/image-spec.
package layer

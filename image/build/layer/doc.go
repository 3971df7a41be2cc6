// Package layer has the files of an image: a layer whose bytes are a function of its
// files, the files of a tar, the list of them, and what differs between two images.
//
// It answers a builder who can't be trusted: the same files make the same digest on
// every machine, and where a digest differs, [Compare] names the file. It does not
// judge what the files hold, nor where they came from; package debian does.
//
// Format: the OCI image specification, https://github.com/opencontainers/image-spec.
package layer

// Command build makes git-launcher's images, so that anyone gets the same digests.
//
//	debian/        a Debian system of pinned packages, each file of known origin
//	layer/         a layer whose bytes are a function of its files; two images compared
//	main.go        the commands
//	definition.go  what is in each image
//	images.go      all images, made from their parts
//	oci.go         an image as an OCI layout
//	registry.go    an image in a registry
//	save.go        the images as an archive that docker load reads
//	sbom.go        an image's packages as an SPDX document
//
// # The threat
//
// A mirror, a proxy or the build machine may add something to an image. Mirrors are not
// trusted: a package whose SHA-256 is not the lock's is refused before any part of it
// runs. The answer to a bad build machine is a second build elsewhere. The digest does not
// depend on directory, time or user, so one honest builder is enough to find a dishonest
// one.
//
// # What it does not do
//
// It does not judge the packages themselves, and signs nothing. Debian's signatures are
// checked when a lock is made.
//
// Formats: those of packages debian and layer, and SPDX 2.3.
package main

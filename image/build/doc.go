// Command build makes git-launcher's images, so that anyone gets the same digests.
//
//	debian/        a Debian system of pinned packages, each file of known origin
//	layer/         a layer whose bytes are a function of its files; two images compared
//	definition.go  what is in each image
//	oci.go         the images, as OCI layouts
//	registry.go    the images, in a registry
//	save.go        the images as an archive that docker load reads
//	sbom.go        the list of packages as an SPDX document
//
// # The threat
//
// A mirror, a proxy or the machine that builds may add to what goes into an image.
// Mirrors are trusted for nothing: a package whose SHA-256 is not the lock's is
// refused before anything of it runs. The building machine is answered by building
// again elsewhere: the digest is the same from any directory, at any time, by any
// user, so that one honest builder is enough to find a dishonest one.
//
// # What it does not do
//
// It does not judge the packages themselves, nor sign anything. That a lock was
// made from Debian's archive is checked when it is made, with Debian's keys.
//
// Formats: those of packages debian and layer, and SPDX 2.3.
package main

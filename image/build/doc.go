// Command build makes git-launcher's images, so that anyone gets the same digests.
//
//	lock.go     what goes in: each Debian package by version, size and SHA-256
//	update.go   a new lock, from what a signed Debian archive offers
//	fetch.go    the locked packages, from any mirror, hashed before use
//	rootfs.go   mmdebstrap lays them out from a repository that holds nothing else
//	trace.go    where each file came from; a file that came from nowhere is an error
//	certs.go    what TLS clients trust is what ca-certificates holds
//	layer.go    a layer whose bytes are a function of its files
//	oci.go      the images, as OCI layouts
//	compare.go  two images, file by file
//	save.go     the images as an archive that docker load reads
//	sbom.go     the same list as an SPDX document
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
// Formats: the OCI image specification, https://github.com/opencontainers/image-spec,
// deb(5), deb-control(5); SOURCE_DATE_EPOCH, https://reproducible-builds.org/specs/source-date-epoch/.
package main

// Package debian makes the Debian system of an image from pinned packages.
//
//	lock.go    what goes in: each package by version, size and SHA-256
//	update.go  a new lock, from what a signed Debian archive offers
//	fetch.go   the locked packages, from any mirror, hashed before use
//	rootfs.go  mmdebstrap installs them from a repository that has nothing else
//	trace.go   where each file came from; a file without an origin is an error
//	certs.go   TLS clients trust exactly what ca-certificates has
//
// It answers a mirror, a proxy or a cache that adds something to an image. It does not
// judge the packages themselves. Debian's signatures are checked when a lock is made, and
// not again: from then on the lock's digests decide.
//
// Formats: deb(5), deb-control(5); SOURCE_DATE_EPOCH,
// https://reproducible-builds.org/specs/source-date-epoch/.
package debian

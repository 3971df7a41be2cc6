// Package clonehash computes from a local clone what a launch record says of a commit:
// its tree, the hash of its content and of its files.
//
// The clone's word about ids counts for nothing. Each object is hashed again from its
// bytes, so a damaged or forged clone is found out. Nothing of the clone is run, and no
// program of Git is needed. What is read is bounded: an object by its size, a commit by
// its files and folders.
//
//	Clone    clonehash.go  the digests of a commit
//	walk     walk.go       its files, in the order of the listing
//	modules  modules.go    where the objects of its submodules are
//	head     head.go       which format the clone is of, and what HEAD means
//	store    store.go      objects, loose and packed, SHA-1 and SHA-256
//
// What this package does not do: fetch, or look at the work tree. It reads objects;
// those of submodules are in .git/modules.
//
// Formats: the listing that content_sha256 is a hash of, VERIFY.md; gitrepository-layout(5),
// gitformat-pack(5).
package clonehash

// Package clonehash computes from a local clone what a launch record says of a commit:
// its tree, the hash of its content and of its files.
//
// The clone's word about ids counts for nothing. Each object is hashed again from its
// own bytes, so that a damaged or forged clone is found out. Nothing of the clone is
// run, and no program of Git is needed.
//
// What this package does not do: fetch, or look at the work tree. It reads objects.
//
// Format: the listing that content_sha256 is a hash of, VERIFY.md.
package clonehash

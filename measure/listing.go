package measure

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// Listing computes content_sha256: SHA-256 over one entry for each file, in the order of
// `git ls-tree -rz`. An entry is "<mode> <hash> <path>" and a NUL byte. So the hash names
// what runs without relying on SHA-1. Only [NewListing] makes one.
//
// In a record of version 2 the listing also covers what was placed beyond the tree. The
// entry of a placed submodule is followed by those of its own files, in their own order,
// with paths below the submodule's. A placed Git LFS file has the SHA-256 of its content,
// not of the pointer.
type Listing struct{ h hash.Hash }

// NewListing starts an empty listing.
func NewListing() *Listing { return &Listing{sha256.New()} }

// AddFile adds a file by its mode in the tree, the SHA-256 of its blob's bytes and its raw
// path. The blob of a symbolic link is its target.
func (l *Listing) AddFile(mode uint32, sum [sha256.Size]byte, path string) {
	l.add(mode, hex.EncodeToString(sum[:]), path)
}

// AddGitlink adds a submodule by its mode in the tree, its commit id (hex) and its raw path.
func (l *Listing) AddGitlink(mode uint32, commit, path string) { l.add(mode, commit, path) }

func (l *Listing) add(mode uint32, name, path string) {
	fmt.Fprintf(l.h, "%06o %s %s\x00", mode, name, path)
}

// Sum returns the digest as lowercase hex.
func (l *Listing) Sum() string { return hex.EncodeToString(l.h.Sum(nil)) }

// LFSListing computes lfs_sha256: SHA-256 over one entry for each Git LFS file whose content
// was placed, in the order of [Listing]. An entry is "<hash> <size> <path>" and a NUL byte.
// Only [NewLFSListing] makes one.
type LFSListing struct {
	h   hash.Hash
	any bool
}

// NewLFSListing starts an empty listing.
func NewLFSListing() *LFSListing { return &LFSListing{h: sha256.New()} }

// Add adds a file. sum is the SHA-256 of its content, and size the content's size in bytes,
// as its pointer has them. path is its raw path below the root of the checkout.
func (l *LFSListing) Add(sum [sha256.Size]byte, size int64, path string) {
	l.any = true
	fmt.Fprintf(l.h, "%x %d %s\x00", sum, size, path)
}

// Sum returns the digest as lowercase hex, or "" for a listing without entries.
func (l *LFSListing) Sum() string {
	if !l.any {
		return ""
	}
	return hex.EncodeToString(l.h.Sum(nil))
}

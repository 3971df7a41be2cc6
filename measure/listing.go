package measure

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// Listing computes content_sha256: SHA-256 over one entry a file, in the order of
// `git ls-tree -rz`, each "<mode> <hash> <path>" and a NUL byte. It says what runs
// without leaning on SHA-1. Only [NewListing] makes one.
type Listing struct{ h hash.Hash }

// NewListing starts an empty listing.
func NewListing() *Listing { return &Listing{sha256.New()} }

// AddFile adds a file by its mode in the tree (six octal digits), the SHA-256 of
// the blob's bytes (a symlink's blob is its target) and its path as raw bytes.
func (l *Listing) AddFile(mode uint32, sum [sha256.Size]byte, path string) {
	l.add(mode, hex.EncodeToString(sum[:]), path)
}

// AddGitlink adds a submodule, which is named by its commit id (hex).
func (l *Listing) AddGitlink(mode uint32, commit, path string) { l.add(mode, commit, path) }

func (l *Listing) add(mode uint32, name, path string) {
	fmt.Fprintf(l.h, "%06o %s %s\x00", mode, name, path)
}

// Sum returns the digest as lowercase hex.
func (l *Listing) Sum() string { return hex.EncodeToString(l.h.Sum(nil)) }

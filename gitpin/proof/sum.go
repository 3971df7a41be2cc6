//go:build !withoutsum

package proof

import (
	"crypto/sha256"
	"hash"
)

// NewSum makes what content_sha256 rests on.
func NewSum() hash.Hash { return sha256.New() }

// SumOf is the sum of a whole content.
func SumOf(content []byte) [sha256.Size]byte { return sha256.Sum256(content) }

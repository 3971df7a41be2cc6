package oci

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

const digestPrefix = "sha256:"

// Digest is the SHA-256 of a document. The zero value stands for none.
type Digest [sha256.Size]byte

var errDigest = errors.New("is not sha256: and 64 lowercase hexadecimal digits")

// ParseDigest reads "sha256:" and 64 lowercase hexadecimal digits. No other
// algorithm and no other spelling is a digest. The all-zero one, which stands for
// none in this program, is refused with them.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	digits, ok := strings.CutPrefix(s, digestPrefix)
	if !ok || len(digits) != 2*len(d) || strings.ToLower(digits) != digits {
		return Digest{}, errDigest
	}
	if _, err := hex.Decode(d[:], []byte(digits)); err != nil || d.IsZero() {
		return Digest{}, errDigest
	}
	return d, nil
}

// Sum hashes a document.
func Sum(data []byte) Digest { return sha256.Sum256(data) }

// String gives the form that ParseDigest reads.
func (d Digest) String() string { return digestPrefix + d.Hex() }

// Hex gives the 64 digits alone.
func (d Digest) Hex() string { return hex.EncodeToString(d[:]) }

// IsZero reports whether d stands for none.
func (d Digest) IsZero() bool { return d == Digest{} }

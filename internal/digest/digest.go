// Package digest reads and writes SHA-256 digests in the one form that images,
// policies and records use: "sha256:" and 64 lowercase hexadecimal digits.
//
// Two spellings of one digest would be two names for one thing, and could slip past a
// comparison of strings. So there is one parser, and it accepts one spelling.
package digest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

const prefix = "sha256:"

// SHA256 is a digest. The zero value stands for none.
type SHA256 [sha256.Size]byte

var errForm = errors.New("is not sha256: and 64 lowercase hexadecimal digits")

// Parse reads a digest with its prefix.
func Parse(s string) (SHA256, error) {
	digits, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return SHA256{}, errForm
	}
	d, err := ParseHex(digits)
	if err != nil {
		return SHA256{}, errForm
	}
	return d, nil
}

// ParseHex reads only the 64 lowercase digits, as records and configs have them.
func ParseHex(s string) (SHA256, error) {
	var d SHA256
	if len(s) != 2*len(d) || strings.ToLower(s) != s {
		return SHA256{}, errors.New("is not 64 lowercase hexadecimal digits")
	}
	if _, err := hex.Decode(d[:], []byte(s)); err != nil {
		return SHA256{}, errors.New("is not 64 lowercase hexadecimal digits")
	}
	return d, nil
}

// Of returns the digest of data.
func Of(data []byte) SHA256 { return sha256.Sum256(data) }

// String returns the form that [Parse] reads.
func (d SHA256) String() string { return prefix + d.Hex() }

// Hex returns only the 64 digits.
func (d SHA256) Hex() string { return hex.EncodeToString(d[:]) }

// IsZero reports whether d stands for none.
func (d SHA256) IsZero() bool { return d == SHA256{} }

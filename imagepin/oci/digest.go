package oci

import (
	"errors"

	"gitlauncher/internal/digest"
)

// Digest is the SHA-256 of a document. The zero value stands for none.
type Digest = digest.SHA256

// ParseDigest reads "sha256:" and 64 lowercase hexadecimal digits. No other algorithm
// and no other spelling is a digest, and nor is the one of zeros, which stands for none.
func ParseDigest(s string) (Digest, error) {
	d, err := digest.Parse(s)
	if err == nil && d.IsZero() {
		err = errors.New("is all zeros, which stands for no digest")
	}
	return d, err
}

// Sum hashes a document.
func Sum(data []byte) Digest { return digest.Of(data) }

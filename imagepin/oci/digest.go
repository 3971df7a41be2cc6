package oci

import (
	"errors"

	"gitlauncher/internal/digest"
)

// Digest is the SHA-256 of a document. The zero value stands for no digest.
type Digest = digest.SHA256

// ParseDigest reads "sha256:" and 64 lowercase hexadecimal digits. It refuses any other
// algorithm and spelling, and the digest of zeros.
func ParseDigest(s string) (Digest, error) {
	d, err := digest.Parse(s)
	if err == nil && d.IsZero() {
		err = errors.New("is all zeros, which stands for no digest")
	}
	return d, err
}

// Sum hashes a document.
func Sum(data []byte) Digest { return digest.Of(data) }

package object

import (
	"crypto/sha1"
	"crypto/sha256"
	"hash"
)

// Format is the hash that names the objects of a repository. A repository has one format:
// its commits, trees, packs and indexes have no id of the other one. The zero Format is
// none.
type Format uint8

// Git's formats.
const (
	SHA1   Format = 1
	SHA256 Format = 2
)

// MaxSize is the length of the longest id in bytes.
const MaxSize = sha256.Size

// Formats lists all formats.
func Formats() []Format { return []Format{SHA1, SHA256} }

// Size returns the length of the format's ids in bytes. The checksums of packs and indexes
// have the same length.
func (f Format) Size() int {
	switch f {
	case SHA1:
		return sha1.Size
	case SHA256:
		return sha256.Size
	}
	return 0
}

// Digits returns the number of hexadecimal digits of the format's ids.
func (f Format) Digits() int { return 2 * f.Size() }

// String returns the format's name in Git's protocol and configuration.
func (f Format) String() string {
	switch f {
	case SHA1:
		return "sha1"
	case SHA256:
		return "sha256"
	}
	return "no format"
}

// Title returns the format's name for use in a sentence.
func (f Format) Title() string {
	switch f {
	case SHA1:
		return "SHA-1"
	case SHA256:
		return "SHA-256"
	}
	return f.String()
}

// NewChecksum returns the format's hash for the checksums of packs and indexes, which prove
// nothing. [Format.NewHasher] is for objects.
func (f Format) NewChecksum() hash.Hash {
	if f == SHA256 {
		return sha256.New()
	}
	return sha1.New()
}

// ID returns the id at the beginning of raw. It panics if raw is shorter than an id.
func (f Format) ID(raw []byte) ID {
	id := ID{format: f}
	copy(id.sum[:], raw[:f.Size()])
	return id
}

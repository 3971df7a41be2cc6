package object

import (
	"crypto/sha1"
	"crypto/sha256"
	"hash"
)

// Format is the hash that names the objects of a repository. It belongs to the
// repository as a whole: commits, trees, packs and indexes of one format hold no id of
// the other. The zero Format is none.
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

// Size returns the length of the format's ids in bytes. It is also that of the checksums
// of packs and indexes.
func (f Format) Size() int {
	switch f {
	case SHA1:
		return sha1.Size
	case SHA256:
		return sha256.Size
	}
	return 0
}

// Digits returns the length of the format's ids as they are written.
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

// Title returns the format's name in sentences.
func (f Format) Title() string {
	switch f {
	case SHA1:
		return "SHA-1"
	case SHA256:
		return "SHA-256"
	}
	return f.String()
}

// NewChecksum returns the format's hash for packs and indexes, which prove nothing:
// for objects there is [Format.NewHasher].
func (f Format) NewChecksum() hash.Hash {
	if f == SHA256 {
		return sha256.New()
	}
	return sha1.New()
}

// ID returns the id that raw begins with. It must hold one.
func (f Format) ID(raw []byte) ID {
	id := ID{format: f}
	copy(id.sum[:], raw[:f.Size()])
	return id
}

package object

import (
	"crypto/sha256"
	"errors"
	"hash"
	"strconv"

	"github.com/pjbgf/sha1cd"
)

// Type is the type of an object.
type Type uint8

// The four object types, numbered as in packs.
const (
	Commit Type = 1
	Tree   Type = 2
	Blob   Type = 3
	Tag    Type = 4
)

// String returns the type's name, which is part of what an id is computed over.
func (t Type) String() string {
	switch t {
	case Commit:
		return "commit"
	case Tree:
		return "tree"
	case Blob:
		return "blob"
	case Tag:
		return "tag"
	}
	return "type " + strconv.Itoa(int(t))
}

// ErrCollision says that an object's bytes show the marks of a SHA-1 collision attack. Such
// an object proves nothing, whatever its id is.
var ErrCollision = errors.New("the object's bytes are part of a SHA-1 collision attack")

// CollisionHash is a SHA-1 that detects collision attacks.
type CollisionHash interface {
	hash.Hash
	// CollisionResistantSum appends the digest to b and reports whether the bytes are part
	// of an attack.
	CollisionResistantSum(b []byte) ([]byte, bool)
}

// Hasher computes object ids, one after the other. It is not for concurrent use.
type Hasher struct {
	format Format
	h      hash.Hash
	sha1   CollisionHash // h, if the format is SHA1; otherwise nil
	room   [64]byte      // for an object's header, and for sums
}

// NewHasher returns a Hasher for objects of the format: SHA-1 with collision detection,
// or SHA-256.
func (f Format) NewHasher() *Hasher {
	if f == SHA256 {
		return &Hasher{format: f, h: sha256.New()}
	}
	return NewHasherOn(sha1cd.New().(CollisionHash))
}

// NewHasherOn returns a Hasher on another SHA-1, for tests of what follows a detected
// collision.
func NewHasherOn(h CollisionHash) *Hasher { return &Hasher{format: SHA1, h: h, sha1: h} }

// Format returns the format of the ids.
func (h *Hasher) Format() Format { return h.format }

// Begin starts an object of the given type and size in bytes. Write its content
// next, then call ID.
func (h *Hasher) Begin(t Type, size int64) {
	h.h.Reset()
	b := append(h.room[:0], t.String()...)
	b = strconv.AppendInt(append(b, ' '), size, 10)
	h.h.Write(append(b, 0))
}

// Write adds to the content. It never fails.
func (h *Hasher) Write(p []byte) (int, error) { return h.h.Write(p) }

// ID returns the object's id. The error is [ErrCollision].
func (h *Hasher) ID() (ID, error) {
	if h.sha1 == nil {
		return h.format.ID(h.h.Sum(h.room[:0])), nil
	}
	sum, collision := h.sha1.CollisionResistantSum(h.room[:0])
	if collision {
		return ID{}, ErrCollision
	}
	return h.format.ID(sum), nil
}

// Sum returns the id of an object whose content is in memory. The error is [ErrCollision].
func (h *Hasher) Sum(t Type, content []byte) (ID, error) {
	h.Begin(t, int64(len(content)))
	h.h.Write(content)
	return h.ID()
}

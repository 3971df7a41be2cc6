package object

import (
	"encoding/hex"
	"errors"
	"fmt"
)

// Size is the length of an ID in bytes (SHA-1).
const Size = 20

// ID is the SHA-1 name of a Git object. The zero ID names nothing.
type ID [Size]byte

// String gives 40 lowercase hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// ErrSHA256 says that a pin names a commit of a SHA-256 repository.
var ErrSHA256 = errors.New("a 64-digit id belongs to a SHA-256 repository, which is not supported yet; pin a commit of a SHA-1 repository")

// ParseID reads a full commit id: exactly 40 lowercase hexadecimal digits.
// Anything that could mean two things (a branch, a tag, a short or an uppercase
// id) is refused, and the error says which it looks like without repeating it.
func ParseID(s string) (ID, error) {
	digits, upper := true, false
	for _, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f':
		case 'A' <= c && c <= 'F':
			upper = true
		default:
			digits = false
		}
	}
	switch {
	case s == "":
		return ID{}, errors.New("is empty; it needs a full commit id of 40 lowercase hexadecimal digits")
	case !digits:
		return ID{}, errors.New("is not a commit id; branches and tags can move, so pin the full id of 40 lowercase hexadecimal digits")
	case upper:
		return ID{}, errors.New("has uppercase digits; commit ids are written in lowercase")
	case len(s) == 64:
		return ID{}, ErrSHA256
	case len(s) < 2*Size:
		return ID{}, fmt.Errorf("is a short id of %d digits, which can come to mean another commit; pin all 40", len(s))
	case len(s) > 2*Size:
		return ID{}, fmt.Errorf("has %d digits; a commit id has 40", len(s))
	}
	var id ID
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, fmt.Errorf("is not hexadecimal: %w", err)
	}
	if id.IsZero() {
		return ID{}, errors.New("is all zeros, which names no commit")
	}
	return id, nil
}

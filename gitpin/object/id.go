package object

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
)

// ID is the name of a Git object, in one of the formats. Two ids are equal (==) if both
// their formats and their bytes are. The zero ID names nothing.
type ID struct {
	format Format
	sum    [MaxSize]byte // zeros after the format's size
}

// Format returns the format of the id.
func (id ID) Format() Format { return id.format }

// Bytes returns a copy of the id's own bytes.
func (id ID) Bytes() []byte { return id.sum[:id.format.Size()] }

// Append appends the id's bytes to b.
func (id ID) Append(b []byte) []byte { return append(b, id.sum[:id.format.Size()]...) }

// Compare orders ids of one format by their bytes.
func (id ID) Compare(other ID) int { return bytes.Compare(id.sum[:], other.sum[:]) }

// String returns the id in lowercase hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id.sum[:id.format.Size()]) }

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id.sum == [MaxSize]byte{} }

// ParseID reads a full commit id: exactly 40 lowercase hexadecimal digits, or 64 in a
// SHA-256 repository. It refuses everything that could mean more than one commit, such as a
// branch, a tag or a short id. The error says what s looks like, and does not repeat it.
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
		return ID{}, errors.New("is empty; it needs a full commit id of 40 lowercase hexadecimal digits (64 in a SHA-256 repository)")
	case !digits:
		return ID{}, errors.New("is not a commit id; branches and tags can move, so pin the full id of 40 lowercase hexadecimal digits (64 in a SHA-256 repository)")
	case upper:
		return ID{}, errors.New("has uppercase digits; commit ids are written in lowercase")
	case len(s) < SHA1.Digits():
		return ID{}, fmt.Errorf("is a short id of %d digits, which can come to mean another commit; pin all 40 (64 in a SHA-256 repository)", len(s))
	}
	id, ok := parseHex([]byte(s))
	switch {
	case !ok:
		return ID{}, fmt.Errorf("has %d digits; a commit id has 40, or 64 in a SHA-256 repository", len(s))
	case id.IsZero():
		return ID{}, errors.New("is all zeros, which names no commit")
	}
	return id, nil
}

// parseHex reads an id of either format from all its digits.
func parseHex(s []byte) (ID, bool) {
	for _, f := range Formats() {
		if len(s) == f.Digits() {
			id := ID{format: f}
			_, err := hex.Decode(id.sum[:], s)
			return id, err == nil
		}
	}
	return ID{}, false
}

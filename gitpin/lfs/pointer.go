package lfs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// MaxPointer is how many bytes a pointer may have: one less than this much.
const MaxPointer = 1024

// prefix begins every pointer.
const prefix = "version https://git-lfs.github.com/spec/v1\n"

// Looks reports whether a content that begins so may be a pointer.
func Looks(head []byte) bool { return bytes.HasPrefix(head, []byte(prefix)) }

// HeadSize is how many bytes [Looks] looks at.
const HeadSize = len(prefix)

// Pointer names a content.
type Pointer struct {
	SHA256 [sha256.Size]byte
	Size   int64
}

// OID is the content's name as the API has it.
func (p Pointer) OID() string { return hex.EncodeToString(p.SHA256[:]) }

// Bytes is the pointer as a file: the one form that git-lfs writes.
func (p Pointer) Bytes() []byte {
	return fmt.Appendf(nil, prefix+"oid sha256:%x\nsize %d\n", p.SHA256, p.Size)
}

// What else begins like a pointer.
var (
	ErrExtension = errors.New("is a Git LFS pointer with an extension, which is a program to be run")
	ErrForm      = errors.New("is a Git LFS pointer that is not in its one form (git lfs fsck --pointers names it, and git add --renormalize mends it)")
)

// Parse reads a content that [Looks] takes for a pointer. One of MaxPointer bytes or more
// is none, however it begins: is is false then.
func Parse(content []byte) (p Pointer, is bool, err error) {
	if !Looks(content) || len(content) >= MaxPointer {
		return Pointer{}, false, nil
	}
	var oid, size []byte
	for line := range bytes.Lines(content[len(prefix):]) {
		key, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
		switch {
		case bytes.HasPrefix(key, []byte("ext-")):
			return Pointer{}, true, ErrExtension
		case string(key) == "oid":
			oid = bytes.TrimPrefix(value, []byte("sha256:"))
		case string(key) == "size":
			size = value
		}
	}
	p.Size, err = strconv.ParseInt(string(size), 10, 64)
	if n, herr := hex.Decode(p.SHA256[:], oid[:min(len(oid), 2*sha256.Size)]); err != nil || herr != nil || n != sha256.Size || p.Size < 0 || !bytes.Equal(p.Bytes(), content) {
		return Pointer{}, true, ErrForm
	}
	return p, true, nil
}

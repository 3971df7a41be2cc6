package lfs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
)

// MaxPointer is one more than the bytes that a pointer may have.
const MaxPointer = 1024

// prefix begins every pointer.
const prefix = "version https://git-lfs.github.com/spec/v1\n"

// Looks reports whether a content that begins with head may be a pointer.
func Looks(head []byte) bool { return bytes.HasPrefix(head, []byte(prefix)) }

// HeadSize is how many bytes [Looks] needs.
const HeadSize = len(prefix)

// Pointer names a content.
type Pointer struct {
	SHA256 [sha256.Size]byte
	Size   int64
}

// OID returns the content's name in the API: its SHA-256 in hexadecimal.
func (p Pointer) OID() string { return hex.EncodeToString(p.SHA256[:]) }

// Bytes returns the pointer as a file, in the one form that git-lfs writes.
func (p Pointer) Bytes() []byte {
	return fmt.Appendf(nil, prefix+"oid sha256:%x\nsize %d\n", p.SHA256, p.Size)
}

// Why a content that begins like a pointer is refused.
var (
	ErrExtension = errors.New("is a Git LFS pointer with an extension, which is a program to be run")
	ErrForm      = errors.New("is a Git LFS pointer in another form than git-lfs writes (git lfs fsck --pointers names it, and git add --renormalize corrects it)")
)

// Parse reads a content. is reports whether it is a pointer, well-formed or not: whether it
// begins like one and has less than [MaxPointer] bytes. Errors are [ErrExtension] and
// [ErrForm].
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

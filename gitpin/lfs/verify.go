package lfs

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
)

// ContentError is a content that is not the one its pointer names.
type ContentError struct{ OID, What string }

func (e *ContentError) Error() string {
	return "the Git LFS object " + e.OID + " " + e.What
}

// Verify returns a reader of r's bytes. It ends without an error only if they are the content
// that p names. Errors are [*ContentError], io.ErrUnexpectedEOF for a content that is too
// short, and those of r. A content that is too long ends at its first surplus byte.
func (p Pointer) Verify(r io.Reader) io.Reader {
	return &verifier{pointer: p, from: r, left: p.Size, sum: sha256.New()}
}

type verifier struct {
	pointer Pointer
	from    io.Reader
	left    int64
	sum     hash.Hash
}

func (v *verifier) Read(b []byte) (int, error) {
	if int64(len(b)) > v.left+1 { // the surplus byte shows whether the content is too long
		b = b[:v.left+1]
	}
	n, err := v.from.Read(b)
	if v.left -= int64(n); v.left < 0 {
		return 0, v.wrong(fmt.Sprintf("has more than its %d bytes", v.pointer.Size))
	}
	v.sum.Write(b[:n])
	if err != io.EOF {
		return n, err
	}
	switch {
	case v.left > 0:
		return n, io.ErrUnexpectedEOF
	case [sha256.Size]byte(v.sum.Sum(nil)) != v.pointer.SHA256:
		return n, v.wrong("does not match its SHA-256")
	}
	return n, io.EOF
}

func (v *verifier) wrong(what string) error { return &ContentError{v.pointer.OID(), what} }

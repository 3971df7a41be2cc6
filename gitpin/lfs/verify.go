package lfs

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
)

// ContentError is a content that is not the one that a pointer names.
type ContentError struct{ OID, What string }

func (e *ContentError) Error() string {
	return "the Git LFS object " + e.OID + " " + e.What
}

// Verify returns a reader that ends without an error only if what came is the content
// that p names. One that is too long ends with the first byte too many.
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
	if int64(len(b)) > v.left+1 { // one more shows whether there is more
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
		return n, v.wrong("has another content than its name says")
	}
	return n, io.EOF
}

func (v *verifier) wrong(what string) error { return &ContentError{v.pointer.OID(), what} }

package pack

import (
	"crypto/sha1"
	"hash"
	"io"
	"math"
)

// intakePiece is how much of a stream is taken in at once.
const intakePiece = 64 << 10 // what one side-band packet holds

// intake takes a pack in on a core of its own, so that inflating, which everything
// waits for, does not wait for the network, the disk and the checksum. What is read
// from it has been kept and hashed.
type intake struct {
	*io.PipeReader
	behind trailing
}

// takeIn begins to read the stream. It goes on until that ends, or until the intake is
// closed, which waits for nothing: a read that is under way then is the last.
func takeIn(src Source, limit int64) *intake {
	r, w := io.Pipe()
	in := &intake{r, trailing{sum: sha1.New()}}
	stream, keep := src.Stream, io.Writer(src.Keep)
	if stream == nil {
		stream, keep = io.NewSectionReader(src.Keep, 0, math.MaxInt64), io.Discard
	}
	go func() {
		_, err := io.CopyBuffer(io.MultiWriter(keep, &in.behind, w), &limitReader{stream, limit, limit}, make([]byte, intakePiece))
		w.CloseWithError(err) // nil is the end
	}()
	return in
}

// checkTrailer demands that a pack's last bytes are the checksum of all before. The
// intake must have been read to its end.
func (in *intake) checkTrailer(want [trailerSize]byte) error {
	if [trailerSize]byte(in.behind.sum.Sum(nil)) != want {
		return badPack("its checksum is wrong")
	}
	return nil
}

// trailing hashes all but the last trailerSize bytes that are written to it.
type trailing struct {
	sum  hash.Hash
	held []byte
}

func (t *trailing) Write(b []byte) (int, error) {
	if len(b) >= trailerSize {
		t.sum.Write(t.held)
		t.sum.Write(b[:len(b)-trailerSize])
		t.held = append(t.held[:0], b[len(b)-trailerSize:]...)
		return len(b), nil
	}
	t.held = append(t.held, b...)
	if over := len(t.held) - trailerSize; over > 0 {
		t.sum.Write(t.held[:over])
		t.held = append(t.held[:0], t.held[over:]...)
	}
	return len(b), nil
}

// limitReader fails where the pack grows past its limit.
type limitReader struct {
	r           io.Reader
	left, limit int64
}

func (l *limitReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		if n, err := l.r.Read(p[:min(len(p), 1)]); n == 0 {
			return 0, err
		}
		return 0, &LimitError{"pack", l.limit}
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}

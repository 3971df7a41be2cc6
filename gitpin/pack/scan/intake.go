package scan

import (
	"bytes"
	"hash"
	"io"
	"math"
	"os"
	"sync"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/fault"
)

// intakePiece is how much of a stream is taken in at once.
const intakePiece = 64 << 10 // what one side-band packet holds

// intake takes a pack in on a core of its own, so that inflating, which everything
// waits for, does not wait for the network, the disk and the checksum. The bytes are
// hashed and kept in a file, where all others read them as far as they have come.
type intake struct {
	file   *os.File
	behind trailing

	mu   sync.Mutex
	more *sync.Cond // have or err is another
	have int64      // bytes that are in the file
	err  error      // why there will be no more: io.EOF at the stream's end
	read int64      // by Read
}

// takeIn begins to read the stream. It goes on until that ends, or until the intake is
// closed. Closing waits for nothing: a read that is under way then is the last.
func takeIn(stream io.Reader, file *os.File, f object.Format, limit int64) *intake {
	in := &intake{file: file, behind: trailing{sum: f.NewChecksum()}}
	in.more = sync.NewCond(&in.mu)
	keep := io.Writer(file)
	if stream == nil {
		stream, keep = io.NewSectionReader(file, 0, math.MaxInt64), io.Discard
	}
	go func() {
		_, err := io.CopyBuffer(io.MultiWriter(keep, &in.behind, in), &limitReader{stream, limit, limit}, make([]byte, intakePiece))
		if err == nil {
			err = io.EOF
		}
		in.end(err)
	}()
	return in
}

// Write counts bytes that are in the file now.
func (in *intake) Write(b []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err != nil {
		return 0, in.err
	}
	in.have += int64(len(b))
	in.more.Broadcast()
	return len(b), nil
}

func (in *intake) end(err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err == nil {
		in.err = err
	}
	in.more.Broadcast()
}

func (in *intake) close() { in.end(os.ErrClosed) }

// Read returns the next bytes, once they are there. It is for one reader.
func (in *intake) Read(p []byte) (int, error) {
	n := min(int64(len(p)), in.wait(in.read+1)-in.read)
	if n == 0 {
		return 0, in.err
	}
	got, err := in.file.ReadAt(p[:n], in.read)
	in.read += int64(got)
	return got, err
}

// wait returns how many bytes are in the file, once there are so many or no more to come.
func (in *intake) wait(many int64) int64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.have < many && in.err == nil {
		in.more.Wait()
	}
	return in.have
}

// checkTrailer checks that a pack's last bytes are the checksum of all before. The
// intake must have been read to its end.
func (in *intake) checkTrailer(want []byte) error {
	if !bytes.Equal(in.behind.sum.Sum(nil), want) {
		return fault.Bad("its checksum is wrong")
	}
	return nil
}

// trailing hashes all but the last bytes that are written to it, as many as a checksum has.
type trailing struct {
	sum  hash.Hash
	held []byte
}

func (t *trailing) Write(b []byte) (int, error) {
	size := t.sum.Size()
	if len(b) >= size {
		t.sum.Write(t.held)
		t.sum.Write(b[:len(b)-size])
		t.held = append(t.held[:0], b[len(b)-size:]...)
		return len(b), nil
	}
	t.held = append(t.held, b...)
	if over := len(t.held) - size; over > 0 {
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
		return 0, &fault.LimitError{What: "pack", Limit: l.limit}
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}

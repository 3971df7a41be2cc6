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

// intakePiece is how many bytes of a stream are read at once: a side-band packet.
const intakePiece = 64 << 10

// intake reads a stream into a file, in a goroutine of its own. So inflating, which
// everything waits for, does not wait for the network, the disk and the checksum. All
// others read from the file what has arrived.
type intake struct {
	file   *os.File
	behind trailing // the checksum of what has arrived

	mu   sync.Mutex
	more *sync.Cond // have or err has changed
	have int64      // bytes that are in the file
	err  error      // why no more bytes will arrive; io.EOF at the stream's end
	read int64      // bytes that Read has returned
}

// takeIn begins to read the stream. It goes on until the stream ends or the intake is
// closed. Closing waits for nothing: a read that is under way then is the last one.
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

// Write counts bytes that were written to the file.
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

// Read returns the next bytes, once they have arrived. It is for one reader.
func (in *intake) Read(p []byte) (int, error) {
	n := min(int64(len(p)), in.wait(in.read+1)-in.read)
	if n == 0 {
		return 0, in.err
	}
	got, err := in.file.ReadAt(p[:n], in.read)
	in.read += int64(got)
	return got, err
}

// wait returns how many bytes are in the file, once there are this many or no more will
// arrive.
func (in *intake) wait(many int64) int64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	for in.have < many && in.err == nil {
		in.more.Wait()
	}
	return in.have
}

// checkTrailer checks that a pack's last bytes are the checksum of all bytes before. The
// intake must have been read to its end.
func (in *intake) checkTrailer(want []byte) error {
	if !bytes.Equal(in.behind.sum.Sum(nil), want) {
		return fault.Bad("its checksum is wrong")
	}
	return nil
}

// trailing hashes all bytes that are written to it but the last, which are as many as a
// checksum has.
type trailing struct {
	sum  hash.Hash
	held []byte // the last bytes
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

// limitReader fails where a pack exceeds its limit.
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

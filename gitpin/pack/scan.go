package pack

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"

	"gitlauncher/gitpin/object"
)

// The two entry types beside object.Type's four: deltas against a base that is
// named by its distance in the pack, or by its id.
const (
	ofsDelta object.Type = 6
	refDelta object.Type = 7
)

const (
	headerSize = 12        // "PACK", version, object count
	readBuffer = 256 << 10 // of the stream; one side-band packet holds 64 KiB
)

// Error is a pack that breaks the format or lies about itself.
type Error struct{ Reason string }

func (e *Error) Error() string { return "bad pack: " + e.Reason }

func badPack(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// truncated turns the end of a stream in the middle of something into what it
// means; other errors (a dead network, a deadline) pass through.
func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("bad pack: it ends too early: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// entryHeader is what stands before an entry's compressed content.
type entryHeader struct {
	offset     int64 // of the entry in the pack
	typ        object.Type
	size       int64 // of the content after inflating; of the delta for deltas
	baseOffset int64 // ofsDelta
	baseID     object.ID
}

// tap is the reader below the scanner's buffer. It keeps hold of the last bytes
// given out, so that offsets and CRC follow what was consumed, not what was read
// ahead.
type tap struct {
	r     io.Reader
	chunk []byte // of the last Read, still in the buffer above
	done  int    // how much of chunk is accounted for
	total int64  // bytes accounted for
	crc   uint32
}

// Read accounts for all earlier bytes, since a bufio.Reader only reads when its
// buffer is empty.
func (t *tap) Read(p []byte) (int, error) {
	t.account(0)
	n, err := t.r.Read(p)
	t.chunk, t.done = p[:n], 0
	return n, err
}

// account counts all bytes of the chunk but the last ahead ones.
func (t *tap) account(ahead int) {
	b := t.chunk[t.done : len(t.chunk)-ahead]
	t.crc = crc32.Update(t.crc, crc32.IEEETable, b)
	t.total += int64(len(b))
	t.done = len(t.chunk) - ahead
}

// scanner reads a pack's entries in order.
type scanner struct {
	inflater
	format object.Format
	tap    *tap
	buf    *bufio.Reader
	zlib   io.ReadCloser // nil until it is needed
	count  uint32        // objects announced
}

// newScanner reads the pack's header.
func newScanner(r io.Reader, f object.Format) (*scanner, error) {
	t := &tap{r: r}
	s := &scanner{format: f, tap: t, buf: bufio.NewReaderSize(t, readBuffer)}
	var h [headerSize]byte
	if _, err := io.ReadFull(s.buf, h[:]); err != nil {
		return nil, truncated(err)
	}
	if !bytes.Equal(h[:4], []byte("PACK")) || binary.BigEndian.Uint32(h[4:]) != 2 {
		return nil, badPack("it does not begin as a pack of version 2")
	}
	s.count = binary.BigEndian.Uint32(h[8:])
	return s, nil
}

// position is how many bytes of the pack were consumed.
func (s *scanner) position() int64 {
	s.tap.account(s.buf.Buffered())
	return s.tap.total
}

// next reads the header of the next entry. The content must be read next.
func (s *scanner) next() (entryHeader, error) {
	h := entryHeader{offset: s.position()}
	s.tap.crc = 0
	if err := readEntryHeader(s.buf, s.format, &h); err != nil {
		return entryHeader{}, err
	}
	return h, nil
}

// entryCRC is the CRC-32 of the entry just read, header included.
func (s *scanner) entryCRC() uint32 {
	s.position()
	return s.tap.crc
}

// content returns the inflated content of the entry whose header was read. It must
// be read to its end, which also proves zlib's own checksum.
func (s *scanner) content() (io.Reader, error) {
	var err error
	s.zlib, err = inflate(s.zlib, s.buf)
	return s.zlib, err
}

// skip goes on at a later place.
func (s *scanner) skip(to int64) error {
	_, err := s.buf.Discard(int(to - s.position()))
	return truncated(err)
}

// inflater inflates whole contents into memory.
type inflater struct {
	flate io.ReadCloser // nil until it is needed
}

// inflate makes a content of just that size from the zlib stream (RFC 1950) that comes
// next, and takes no byte more. It uses room if that is large enough; otherwise it takes
// memory as the bytes come. To look at the checksum is left to others: this is what all
// wait for.
func (f *inflater) inflate(from source, room []byte, size int64) (inflated, error) {
	var frame [4]byte // two bytes before the deflated data, four behind
	if _, err := io.ReadFull(from, frame[:2]); err != nil {
		return inflated{}, truncated(err)
	}
	const deflate, window, dictionary = 8, 7, 1 << 5
	if frame[0]&15 != deflate || frame[0]>>4 > window || frame[1]&dictionary != 0 || binary.BigEndian.Uint16(frame[:])%31 != 0 {
		return inflated{}, errZlib
	}
	if f.flate == nil {
		f.flate = flate.NewReader(from)
	} else if err := f.flate.(flate.Resetter).Reset(from, nil); err != nil {
		return inflated{}, err
	}
	content, err := fill(f.flate, room, size)
	if err != nil {
		return inflated{}, badContent(err)
	}
	if err := atEnd(f.flate); err != nil {
		return inflated{}, err
	}
	_, err = io.ReadFull(from, frame[:])
	return inflated{bytes: content, adler: binary.BigEndian.Uint32(frame[:])}, truncated(err)
}

// fill reads so many bytes, into room if that is large enough.
func fill(r io.Reader, room []byte, size int64) ([]byte, error) {
	const times = 4 // larger than what is full
	if int64(cap(room)) < size {
		room = make([]byte, min(size, onWord))
	}
	content := room[:min(size, int64(cap(room)))]
	for done := 0; ; {
		if _, err := io.ReadFull(r, content[done:]); err != nil || int64(len(content)) == size {
			return content, err
		}
		done = len(content)
		content = append(make([]byte, 0, min(size, times*int64(done))), content...)
		content = content[:cap(content)]
	}
}

// isDelta reports whether an entry is one.
func (h *entryHeader) isDelta() bool { return h.typ == ofsDelta || h.typ == refDelta }

// source is a reader of which an inflater takes no more than it needs.
type source interface {
	io.Reader
	io.ByteReader
}

// inflated is a content, with the checksum that its zlib stream states unless that was
// looked at already.
type inflated struct {
	bytes   []byte
	adler   uint32
	checked bool
}

// check returns an error where the checksum is wrong: git refuses such an object.
func (i inflated) check() error {
	if !i.checked && adler32.Checksum(i.bytes) != i.adler {
		return errZlib
	}
	return nil
}

// trailer checks that nothing follows the pack, and returns its last bytes, which are
// to be the checksum of all before.
func (s *scanner) trailer() ([]byte, error) {
	sum := make([]byte, s.format.Size())
	if _, err := io.ReadFull(s.buf, sum); err != nil {
		return nil, truncated(err)
	}
	_, err := s.buf.ReadByte()
	if err == nil {
		err = badPack("something follows its end")
	} else if err == io.EOF {
		err = nil
	}
	return sum, err
}

// inflate begins a zlib stream, with the memory of an earlier one if there is.
func inflate(z io.ReadCloser, r io.Reader) (io.ReadCloser, error) {
	var err error
	if z == nil {
		z, err = zlib.NewReader(r)
	} else {
		err = z.(zlib.Resetter).Reset(r, nil)
	}
	if err != nil {
		return nil, inflateError(err)
	}
	return z, nil
}

var errZlib = badPack("an object is not valid zlib data")

func inflateError(err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, zlib.ErrHeader) || errors.Is(err, zlib.ErrChecksum) || errors.Is(err, zlib.ErrDictionary) || errors.As(err, &corrupt) {
		return errZlib
	}
	return truncated(err)
}

// atEnd returns an error unless inflated content ends here.
func atEnd(r io.Reader) error {
	var one [1]byte
	switch n, err := io.ReadFull(r, one[:]); {
	case n > 0:
		return badPack("an object is longer than its header says")
	case err != io.EOF:
		return badContent(err)
	}
	return nil
}

func badContent(err error) error {
	if err == io.EOF {
		return badPack("an object is shorter than its header says")
	}
	return inflateError(err)
}

// readEntryHeader reads type, size and the base of a delta.
func readEntryHeader(r io.ByteReader, f object.Format, h *entryHeader) error {
	c, err := r.ReadByte()
	if err != nil {
		return truncated(err)
	}
	h.typ = object.Type(c >> 4 & 7)
	h.size = int64(c & 15)
	for shift := 4; c&0x80 != 0; shift += 7 {
		if c, err = r.ReadByte(); err != nil {
			return truncated(err)
		}
		if shift > 53 {
			return badPack("an object's size is out of all bounds")
		}
		h.size |= int64(c&0x7f) << shift
	}
	switch h.typ {
	case object.Commit, object.Tree, object.Blob, object.Tag:
		return nil
	case ofsDelta:
		return readBaseOffset(r, h)
	case refDelta:
		var id [object.MaxSize]byte
		for i := range f.Size() {
			if id[i], err = r.ReadByte(); err != nil {
				return truncated(err)
			}
		}
		h.baseID = f.ID(id[:])
		return nil
	}
	return badPack("an entry has the unknown type %d", h.typ)
}

func readBaseOffset(r io.ByteReader, h *entryHeader) error {
	var back int64
	for i := 0; ; i++ {
		c, err := r.ReadByte()
		if err != nil {
			return truncated(err)
		}
		if i > 0 {
			back++
		}
		back = back<<7 | int64(c&0x7f)
		if c&0x80 == 0 {
			break
		}
		if i == 7 {
			return badPack("a delta's base is out of all bounds")
		}
	}
	h.baseOffset = h.offset - back
	if back <= 0 || h.baseOffset < headerSize {
		return badPack("a delta's base lies outside the pack")
	}
	return nil
}

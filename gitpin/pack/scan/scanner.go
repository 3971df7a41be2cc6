package scan

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/entry"
	"gitlauncher/gitpin/pack/fault"
)

const readBuffer = 256 << 10 // bytes; one side-band packet has 64 KiB

// tap is the reader below the scanner's buffer. It keeps the last bytes that it returned, so
// that offset and CRC are those of the consumed bytes, and not of the buffered ones.
type tap struct {
	r     io.Reader
	chunk []byte // what the last Read returned, which is still in the buffer above
	done  int    // bytes of chunk that are accounted for
	total int64  // all bytes that are accounted for
	crc   uint32
}

// Read first accounts for all earlier bytes, since a [bufio.Reader] only reads when its
// buffer is empty.
func (t *tap) Read(p []byte) (int, error) {
	t.account(0)
	n, err := t.r.Read(p)
	t.chunk, t.done = p[:n], 0
	return n, err
}

// account counts and hashes the bytes of the chunk that have been read. The last ahead bytes
// are still in the buffer, and are left for later.
func (t *tap) account(ahead int) {
	b := t.chunk[t.done : len(t.chunk)-ahead]
	t.crc = crc32.Update(t.crc, crc32.IEEETable, b)
	t.total += int64(len(b))
	t.done = len(t.chunk) - ahead
}

// scanner reads a pack's entries in order.
type scanner struct {
	format   object.Format
	inflater entry.Inflater
	tap      *tap
	buf      *bufio.Reader
	zlib     io.ReadCloser // nil until it is needed
	count    uint32        // of objects, as the pack announces it
}

// newScanner reads the pack's header.
func newScanner(r io.Reader, f object.Format) (*scanner, error) {
	t := &tap{r: r}
	s := &scanner{format: f, tap: t, buf: bufio.NewReaderSize(t, readBuffer)}
	var h [entry.PackHeader]byte
	if _, err := io.ReadFull(s.buf, h[:]); err != nil {
		return nil, fault.Truncated(err)
	}
	if !bytes.Equal(h[:4], []byte("PACK")) || binary.BigEndian.Uint32(h[4:]) != 2 {
		return nil, fault.Bad("it does not begin as a pack of version 2")
	}
	s.count = binary.BigEndian.Uint32(h[8:])
	return s, nil
}

// position returns how many bytes of the pack were consumed.
func (s *scanner) position() int64 {
	s.tap.account(s.buf.Buffered())
	return s.tap.total
}

// next reads the header of the next entry. The content must be read next.
func (s *scanner) next() (entry.Header, error) {
	h := entry.Header{Offset: s.position()}
	s.tap.crc = 0
	if err := entry.ReadHeader(s.buf, s.format, &h); err != nil {
		return entry.Header{}, err
	}
	return h, nil
}

// entryCRC returns the CRC-32 of the entry just read, including its header.
func (s *scanner) entryCRC() uint32 {
	s.position()
	return s.tap.crc
}

// content returns a reader of the inflated content of the entry whose header was read. It
// must be read to its end, where zlib's own checksum is checked, too.
func (s *scanner) content() (io.Reader, error) {
	var err error
	s.zlib, err = entry.Zlib(s.zlib, s.buf)
	return s.zlib, err
}

// inflate returns the content of the entry whose header was read.
func (s *scanner) inflate(size int64) (entry.Content, error) {
	return s.inflater.Inflate(s.buf, nil, size)
}

// skip continues at a later offset.
func (s *scanner) skip(to int64) error {
	_, err := s.buf.Discard(int(to - s.position()))
	return fault.Truncated(err)
}

// trailer checks that nothing follows the pack, and returns its last bytes, which should be
// the checksum of all bytes before.
func (s *scanner) trailer() ([]byte, error) {
	sum := make([]byte, s.format.Size())
	if _, err := io.ReadFull(s.buf, sum); err != nil {
		return nil, fault.Truncated(err)
	}
	_, err := s.buf.ReadByte()
	if err == nil {
		err = fault.Bad("something follows its end")
	} else if err == io.EOF {
		err = nil
	}
	return sum, err
}

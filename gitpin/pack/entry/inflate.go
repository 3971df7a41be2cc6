package entry

import (
	"encoding/binary"
	"errors"
	"hash/adler32"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zlib"

	"gitlauncher/gitpin/pack/fault"
)

// Upfront is how many bytes are allocated at most because a header announces them. More are
// allocated as they arrive.
const Upfront = 256 << 10

// Inflater inflates whole contents into memory.
type Inflater struct {
	flate io.ReadCloser // nil until it is needed
}

// Inflate reads the zlib stream (RFC 1950) that comes next, and no byte more. It returns the
// content, which must have exactly that size. It uses room if that is large enough, and
// otherwise allocates memory as the bytes arrive. It does not check the checksum, so that
// another goroutine can ([Content.Check]).
func (f *Inflater) Inflate(from Source, room []byte, size int64) (Content, error) {
	var frame [4]byte // two bytes before the deflated data, four after it
	if _, err := io.ReadFull(from, frame[:2]); err != nil {
		return Content{}, fault.Truncated(err)
	}
	const deflate, window, dictionary = 8, 7, 1 << 5
	if frame[0]&15 != deflate || frame[0]>>4 > window || frame[1]&dictionary != 0 || binary.BigEndian.Uint16(frame[:])%31 != 0 {
		return Content{}, errZlib
	}
	if f.flate == nil {
		f.flate = flate.NewReader(from)
	} else if err := f.flate.(flate.Resetter).Reset(from, nil); err != nil {
		return Content{}, err
	}
	content, err := fill(f.flate, room, size)
	if err != nil {
		return Content{}, BadContent(err)
	}
	if err := AtEnd(f.flate); err != nil {
		return Content{}, err
	}
	_, err = io.ReadFull(from, frame[:])
	return Content{Bytes: content, Adler: binary.BigEndian.Uint32(frame[:])}, fault.Truncated(err)
}

// fill reads size bytes, into room if that is large enough.
func fill(r io.Reader, room []byte, size int64) ([]byte, error) {
	const times = 4 // by which the memory grows
	if int64(cap(room)) < size {
		room = make([]byte, min(size, Upfront))
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

// Source is a reader from which an [Inflater] reads no more than it needs.
type Source interface {
	io.Reader
	io.ByteReader
}

// Content is an inflated content.
type Content struct {
	Bytes   []byte
	Adler   uint32 // the checksum in the zlib stream
	Checked bool   // Adler is right, or there is none to check
}

// Check returns an error if the checksum is wrong: git refuses such an object.
func (c Content) Check() error {
	if !c.Checked && adler32.Checksum(c.Bytes) != c.Adler {
		return errZlib
	}
	return nil
}

// Zlib returns a reader of a zlib stream. It uses the memory of z, an earlier one, unless
// that is nil.
func Zlib(z io.ReadCloser, r io.Reader) (io.ReadCloser, error) {
	var err error
	if z == nil {
		z, err = zlib.NewReader(r)
	} else {
		err = z.(zlib.Resetter).Reset(r, nil)
	}
	if err != nil {
		return nil, zlibError(err)
	}
	return z, nil
}

var errZlib = fault.Bad("an object is not valid zlib data")

func zlibError(err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, zlib.ErrHeader) || errors.Is(err, zlib.ErrChecksum) || errors.Is(err, zlib.ErrDictionary) || errors.As(err, &corrupt) {
		return errZlib
	}
	return fault.Truncated(err)
}

// AtEnd returns an error unless the inflated content ends here.
func AtEnd(r io.Reader) error {
	var one [1]byte
	switch n, err := io.ReadFull(r, one[:]); {
	case n > 0:
		return fault.Bad("an object is longer than its header says")
	case err != io.EOF:
		return BadContent(err)
	}
	return nil
}

// BadContent returns what an error in the middle of an inflated content means.
func BadContent(err error) error {
	if err == io.EOF {
		return fault.Bad("an object is shorter than its header says")
	}
	return zlibError(err)
}

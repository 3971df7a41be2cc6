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

// OnWord is how many bytes are allocated on a header's word; more as they come.
const OnWord = 256 << 10

// Inflater inflates whole contents into memory.
type Inflater struct {
	flate io.ReadCloser // nil until it is needed
}

// Inflate makes a content of just that size from the zlib stream (RFC 1950) that comes
// next, and reads no byte more. It uses room if that is large enough; otherwise it takes
// memory as the bytes come. It leaves the checksum to others, since everything waits for
// it.
func (f *Inflater) Inflate(from Source, room []byte, size int64) (Content, error) {
	var frame [4]byte // two bytes before the deflated data, four behind
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

// fill reads so many bytes, into room if that is large enough.
func fill(r io.Reader, room []byte, size int64) ([]byte, error) {
	const times = 4 // larger than what is full
	if int64(cap(room)) < size {
		room = make([]byte, min(size, OnWord))
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

// Source is a reader of which an Inflater takes no more than it needs.
type Source interface {
	io.Reader
	io.ByteReader
}

// Content is an inflated content, with the checksum that its zlib stream states unless that was
// looked at already.
type Content struct {
	Bytes   []byte
	Adler   uint32
	Checked bool
}

// Check returns an error where the checksum is wrong: git refuses such an object.
func (c Content) Check() error {
	if !c.Checked && adler32.Checksum(c.Bytes) != c.Adler {
		return errZlib
	}
	return nil
}

// Zlib begins a zlib stream, with the memory of an earlier one if there is.
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

// AtEnd returns an error unless inflated content ends here.
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

// BadContent is what an error in the middle of an inflated content means.
func BadContent(err error) error {
	if err == io.EOF {
		return fault.Bad("an object is shorter than its header says")
	}
	return zlibError(err)
}

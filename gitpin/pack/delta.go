package pack

import (
	"bufio"
	"bytes"
	"io"
)

// delta is the head of a delta: instructions follow until the result is whole.
type delta struct {
	baseSize   int64
	resultSize int64
	code       *bufio.Reader
}

// readDelta reads the two sizes that a delta begins with.
func readDelta(r io.Reader) (*delta, error) {
	d := &delta{code: bufio.NewReader(r)}
	var err error
	if d.baseSize, err = deltaSize(d.code); err != nil {
		return nil, err
	}
	d.resultSize, err = deltaSize(d.code)
	return d, err
}

func deltaSize(r io.ByteReader) (size int64, err error) {
	for shift := 0; ; shift += 7 {
		c, err := r.ReadByte()
		if err != nil {
			return 0, badContent(err)
		}
		if shift > 56 {
			return 0, badPack("a delta's size is out of all bounds")
		}
		size |= int64(c&0x7f) << shift
		if c&0x80 == 0 {
			return size, nil
		}
	}
}

// apply writes the result to w, which gets exactly resultSize bytes or an error
// is returned. base must hold baseSize bytes.
func (d *delta) apply(base io.ReaderAt, baseSize int64, w io.Writer) error {
	if baseSize != d.baseSize {
		return badPack("a delta is for a base of another size")
	}
	left := d.resultSize
	for {
		op, err := d.code.ReadByte()
		if err == io.EOF {
			break
		}
		if err != nil {
			return badContent(err)
		}
		n, err := d.step(op, base, w, left)
		if err != nil {
			return err
		}
		left -= n
	}
	if left != 0 {
		return badPack("a delta makes less than it announces")
	}
	return nil
}

// step carries out one instruction and gives how many bytes it made.
func (d *delta) step(op byte, base io.ReaderAt, w io.Writer, left int64) (int64, error) {
	switch {
	case op == 0:
		return 0, badPack("a delta has a reserved instruction")
	case op&0x80 == 0: // the next op bytes, literally
		if int64(op) > left {
			return 0, badPack("a delta makes more than it announces")
		}
		n, err := io.CopyN(w, d.code, int64(op))
		if err == io.EOF {
			err = badPack("a delta ends within an instruction")
		}
		return n, err
	}
	var arg [7]int64 // four bytes of offset, three of size
	for i := range arg {
		if op&(1<<i) != 0 {
			c, err := d.code.ReadByte()
			if err != nil {
				return 0, badContent(err)
			}
			arg[i] = int64(c)
		}
	}
	offset := arg[0] | arg[1]<<8 | arg[2]<<16 | arg[3]<<24
	size := arg[4] | arg[5]<<8 | arg[6]<<16
	if size == 0 {
		size = 1 << 16
	}
	if size > left {
		return 0, badPack("a delta makes more than it announces")
	}
	if offset+size > d.baseSize {
		return 0, badPack("a delta copies from outside its base")
	}
	if b, ok := base.(*memory); ok {
		_, err := w.Write(b.bytes[offset : offset+size])
		return size, err
	}
	return io.Copy(w, io.NewSectionReader(base, offset, size))
}

// memory is a base that is held in memory.
type memory struct{ bytes []byte }

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.bytes).ReadAt(p, off)
}

package delta

import (
	"bufio"
	"bytes"
	"io"

	"gitlauncher/gitpin/pack/entry"
	"gitlauncher/gitpin/pack/fault"
)

// Delta is a delta whose two sizes, in bytes, were read. Its instructions follow.
type Delta struct {
	BaseSize   int64
	ResultSize int64
	code       *bufio.Reader
}

// Read reads the two sizes at the beginning of a delta.
func Read(r io.Reader) (*Delta, error) {
	d := &Delta{code: bufio.NewReader(r)}
	var err error
	if d.BaseSize, err = readSize(d.code); err != nil {
		return nil, err
	}
	d.ResultSize, err = readSize(d.code)
	return d, err
}

func readSize(r io.ByteReader) (size int64, err error) {
	for shift := 0; ; shift += 7 {
		c, err := r.ReadByte()
		if err != nil {
			return 0, entry.BadContent(err)
		}
		if shift > 56 {
			return 0, fault.Bad("a delta's size is out of all bounds")
		}
		size |= int64(c&0x7f) << shift
		if c&0x80 == 0 {
			return size, nil
		}
	}
}

// Rest returns the unread part of the delta, for callers who do not apply it.
func (d *Delta) Rest() io.Reader { return d.code }

// Apply writes the result to w. Without an error, w has got exactly ResultSize bytes. base
// must have baseSize bytes.
func (d *Delta) Apply(base io.ReaderAt, baseSize int64, w io.Writer) error {
	if baseSize != d.BaseSize {
		return fault.Bad("a delta is for a base of another size")
	}
	left := d.ResultSize
	for {
		op, err := d.code.ReadByte()
		if err == io.EOF {
			break
		}
		if err != nil {
			return entry.BadContent(err)
		}
		n, err := d.step(op, base, w, left)
		if err != nil {
			return err
		}
		left -= n
	}
	if left != 0 {
		return fault.Bad("a delta makes less than it announces")
	}
	return nil
}

// step applies one instruction and returns how many bytes it made.
func (d *Delta) step(op byte, base io.ReaderAt, w io.Writer, left int64) (int64, error) {
	switch {
	case op == 0:
		return 0, fault.Bad("a delta has a reserved instruction")
	case op&0x80 == 0: // copy the next op bytes of the delta
		if int64(op) > left {
			return 0, fault.Bad("a delta makes more than it announces")
		}
		n, err := io.CopyN(w, d.code, int64(op))
		if err == io.EOF {
			err = fault.Bad("a delta ends within an instruction")
		}
		return n, err
	}
	var arg [7]int64 // four bytes of offset, three of size
	for i := range arg {
		if op&(1<<i) != 0 {
			c, err := d.code.ReadByte()
			if err != nil {
				return 0, entry.BadContent(err)
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
		return 0, fault.Bad("a delta makes more than it announces")
	}
	if offset+size > d.BaseSize {
		return 0, fault.Bad("a delta copies from outside its base")
	}
	if b, ok := base.(*Memory); ok {
		_, err := w.Write(b.Bytes[offset : offset+size])
		return size, err
	}
	return io.Copy(w, io.NewSectionReader(base, offset, size))
}

// Memory is a base in memory.
type Memory struct{ Bytes []byte }

// ReadAt reads from the base.
func (m *Memory) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.Bytes).ReadAt(p, off)
}

package stored

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/adler32"
	"hash/crc32"
	"io"
	"os"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/entry"
	"gitlauncher/gitpin/pack/fault"
	"gitlauncher/gitpin/pack/index"
)

// BlockSize is the largest size of a stored block of deflate, in bytes (RFC 1951, 3.2.4).
const BlockSize = 1<<16 - 1

// ErrDiffers says that a pack is not the one that was laid out.
var ErrDiffers = errors.New("the pack is not the stored form of the proven objects")

// Pack is a pack in stored form. Every object is whole, in a zlib stream of stored blocks:
// nothing is compressed, and nothing is a delta. All its bytes follow from the objects and
// their order. So the pack is proven by comparing it with the objects, at the speed of
// memory and without inflating anything. Where it differs, it is made anew as quickly.
//
// First add every object, which fixes its offset. Then call WriteTo or CompareWith, put the
// contents, several at a time, and call Sum and Finish.
type Pack struct {
	file    *os.File
	compare bool // contents are compared with file rather than written to it
	table   *index.Table
	sizes   []int64 // of the contents
	end     int64   // offset after the objects, where the trailer begins
}

// New returns an empty pack of the format.
func New(f object.Format) *Pack { return &Pack{table: index.New(f), end: entry.PackHeader} }

// Add adds an object of that id and size in bytes, and returns its number.
func (s *Pack) Add(t object.Type, id object.ID, size int64) int {
	s.table.Add(min(s.end, index.MaxOffset)).Set(t, id) // WriteTo refuses a larger offset
	s.sizes = append(s.sizes, size)
	blocks := max(1, (size+BlockSize-1)/BlockSize)
	s.end += int64(len(entry.AppendHeader(nil, t, size))) + 2 + 5*blocks + size + 4
	return s.table.Len() - 1
}

// Size returns the size of the whole pack in bytes.
func (s *Pack) Size() int64 { return s.end + int64(s.table.Format().Size()) }

// WriteTo begins to write the pack to file, which must be empty.
func (s *Pack) WriteTo(file *os.File) error {
	s.file, s.compare = file, false
	if s.end > index.MaxOffset {
		return &fault.LimitError{What: "pack", Limit: index.MaxOffset}
	}
	return s.span(s.header(), 0, nil)
}

// CompareWith begins to compare the pack with file. It and the later calls return
// [ErrDiffers] where the file is not the pack.
func (s *Pack) CompareWith(file *os.File) error {
	s.file, s.compare = file, true
	if info, err := file.Stat(); err != nil || info.Size() != s.Size() {
		return ErrDiffers
	}
	return s.span(s.header(), 0, make([]byte, entry.PackHeader))
}

func (s *Pack) header() []byte {
	return binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(s.table.Len()))
}

// Compares reports whether contents are compared rather than written.
func (s *Pack) Compares() bool { return s.compare }

// span writes bytes at an offset of the file, or compares them with what is there. To compare
// them, it needs room for as many bytes.
func (s *Pack) span(want []byte, at int64, room []byte) error {
	if !s.compare {
		_, err := s.file.WriteAt(want, at)
		return err
	}
	there := room[:len(want)]
	if _, err := s.file.ReadAt(there, at); err != nil {
		return fmt.Errorf("%w: %w", ErrDiffers, err)
	}
	if !bytes.Equal(there, want) {
		return ErrDiffers
	}
	return nil
}

// Putter puts contents to their offsets, one at a time. Each worker has its own.
type Putter struct {
	*Pack
	framed, room []byte // for one block with all that can be around it
	slot         index.Slot
	at, left     int64
	adler        hash.Hash32
	crc          uint32
	first        bool
}

// Putter returns a new [Putter].
func (s *Pack) Putter() *Putter {
	const around = 64 // bytes; more than entry header, zlib header, block header and checksum
	return &Putter{Pack: s, framed: make([]byte, 0, BlockSize+around), room: make([]byte, BlockSize+around), adler: adler32.New()}
}

// Begin begins the content of the object with that number.
func (p *Putter) Begin(n int) {
	p.slot = p.table.At(n)
	p.at, p.left, p.crc, p.first = p.slot.Offset(), p.sizes[n], 0, true
	p.adler.Reset()
}

// Block puts the next BlockSize bytes of the content. Only the last block has fewer. It is
// empty only for an empty content.
func (p *Putter) Block(b []byte) error {
	if int64(len(b)) != min(p.left, BlockSize) {
		return fmt.Errorf("a block of %d bytes where %d are left", len(b), p.left)
	}
	p.left -= int64(len(b))
	p.adler.Write(b)
	out := p.framed[:0]
	if p.first {
		out = entry.AppendHeader(out, p.slot.Type(), p.left+int64(len(b)))
		out = append(out, 0x78, 0x01) // zlib, no dictionary, least effort
		p.first = false
	}
	final := byte(0)
	if p.left == 0 {
		final = 1
	}
	out = append(out, final)
	out = binary.LittleEndian.AppendUint16(out, uint16(len(b)))
	out = binary.LittleEndian.AppendUint16(out, ^uint16(len(b)))
	out = append(out, b...)
	if p.left == 0 {
		out = binary.BigEndian.AppendUint32(out, p.adler.Sum32())
	}
	p.crc = crc32.Update(p.crc, crc32.IEEETable, out)
	if err := p.span(out, p.at, p.room); err != nil {
		return err
	}
	p.at += int64(len(out))
	if p.left == 0 {
		p.slot.SetCRC(p.crc)
	}
	return nil
}

// Put puts the content of the object with that number.
func (p *Putter) Put(n int, content []byte) error {
	p.Begin(n)
	for {
		b := content[:min(len(content), BlockSize)]
		if err := p.Block(b); err != nil {
			return err
		}
		if content = content[len(b):]; len(content) == 0 {
			return nil
		}
	}
}

// Sum returns the checksum of the file. To write a pack, put all contents before. To compare
// one, call it at any time.
func (s *Pack) Sum(ctx context.Context) ([]byte, error) {
	h := s.table.Format().NewChecksum()
	r := io.NewSectionReader(s.file, 0, s.end)
	for {
		n, err := io.CopyN(h, r, 8<<20)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err == io.EOF && n == 0 {
			break
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
	}
	return h.Sum(nil), nil
}

// Finish puts the trailer, which is the file's checksum, after all contents were put.
func (s *Pack) Finish(sum []byte) error {
	s.table.Checksum = sum
	return s.span(sum, s.end, make([]byte, len(sum)))
}

// Table returns the objects of a finished pack.
func (s *Pack) Table() *index.Table {
	s.table.Sort()
	return s.table
}

package entry

import (
	"io"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/fault"
)

// The two entry types beside object.Type's four: deltas against a base that is
// named by its distance in the pack, or by its id.
const (
	OfsDelta object.Type = 6
	RefDelta object.Type = 7
)

// PackHeader is how many bytes stand before a pack's first entry: "PACK", the version,
// the number of objects.
const PackHeader = 12

// Header is what stands before an entry's compressed content.
type Header struct {
	Offset     int64 // of the entry in the pack
	Type       object.Type
	Size       int64 // of the content after inflating; of the delta for deltas
	BaseOffset int64 // OfsDelta
	BaseID     object.ID
}

// IsDelta reports whether an entry is one.
func (h *Header) IsDelta() bool { return h.Type == OfsDelta || h.Type == RefDelta }

// ReadHeader reads type, size and the base of a delta, in a pack of the format.
func ReadHeader(r io.ByteReader, f object.Format, h *Header) error {
	c, err := r.ReadByte()
	if err != nil {
		return fault.Truncated(err)
	}
	h.Type = object.Type(c >> 4 & 7)
	h.Size = int64(c & 15)
	for shift := 4; c&0x80 != 0; shift += 7 {
		if c, err = r.ReadByte(); err != nil {
			return fault.Truncated(err)
		}
		if shift > 53 {
			return fault.Bad("an object's size is out of all bounds")
		}
		h.Size |= int64(c&0x7f) << shift
	}
	switch h.Type {
	case object.Commit, object.Tree, object.Blob, object.Tag:
		return nil
	case OfsDelta:
		return readBaseOffset(r, h)
	case RefDelta:
		var id [object.MaxSize]byte
		for i := range f.Size() {
			if id[i], err = r.ReadByte(); err != nil {
				return fault.Truncated(err)
			}
		}
		h.BaseID = f.ID(id[:])
		return nil
	}
	return fault.Bad("an entry has the unknown type %d", h.Type)
}

func readBaseOffset(r io.ByteReader, h *Header) error {
	var back int64
	for i := 0; ; i++ {
		c, err := r.ReadByte()
		if err != nil {
			return fault.Truncated(err)
		}
		if i > 0 {
			back++
		}
		back = back<<7 | int64(c&0x7f)
		if c&0x80 == 0 {
			break
		}
		if i == 7 {
			return fault.Bad("a delta's base is out of all bounds")
		}
	}
	h.BaseOffset = h.Offset - back
	if back <= 0 || h.BaseOffset < PackHeader {
		return fault.Bad("a delta's base lies outside the pack")
	}
	return nil
}

// AppendHeader appends the header of an object that is no delta.
func AppendHeader(b []byte, t object.Type, size int64) []byte {
	c := byte(t)<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		b = append(b, c|0x80)
		c = byte(size & 0x7f)
	}
	return append(b, c)
}

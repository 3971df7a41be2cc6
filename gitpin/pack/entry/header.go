package entry

import (
	"io"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/fault"
)

// The two types of entries that are no objects but deltas. They name their base by its
// distance in the pack, or by its id.
const (
	OfsDelta object.Type = 6
	RefDelta object.Type = 7
)

// PackHeader is the size of a pack's header, in bytes: "PACK", the version, the number of
// objects.
const PackHeader = 12

// Header is the header of an entry. The compressed content follows it.
type Header struct {
	Offset     int64 // of the entry in the pack
	Type       object.Type
	Size       int64     // bytes of the inflated content, which for a delta is the delta
	BaseOffset int64     // of an OfsDelta's base
	BaseID     object.ID // of a RefDelta's base
}

// IsDelta reports whether an entry is a delta.
func (h *Header) IsDelta() bool { return h.Type == OfsDelta || h.Type == RefDelta }

// ReadHeader reads type, size and, for a delta, the base into h, whose Offset is set. f is
// the format of the pack.
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

// AppendHeader appends the header of an object that is not a delta.
func AppendHeader(b []byte, t object.Type, size int64) []byte {
	c := byte(t)<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		b = append(b, c|0x80)
		c = byte(size & 0x7f)
	}
	return append(b, c)
}

package index

import (
	"encoding/binary"
	"io"
	"os"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/entry"
	"gitlauncher/gitpin/pack/fault"
)

// Read reads ids and offsets from an index of version 2 that has at most this many objects.
// It does not check the checksums or the order of the ids, since a fault in them only makes
// a claim that is later found wrong. Errors are *[fault.Error] or those of the disk.
func Read(f *os.File, format object.Format, most int64) (*Table, error) {
	const fanout = 8 + 256*4
	idSize := int64(format.Size())
	tail := 2 * idSize
	var head [fanout]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return nil, fault.Bad("its index is cut off")
	}
	n := int64(binary.BigEndian.Uint32(head[fanout-4:]))
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := fanout + n*(idSize+4+4) // without the table of far offsets, which a pack above 2 GiB has
	if string(head[:8]) != "\xfftOc\x00\x00\x00\x02" || n > most || info.Size() < size+tail || info.Size() > size+n*8+tail {
		return nil, fault.Bad("its index is malformed")
	}
	table := make([]byte, info.Size()-fanout-tail)
	if _, err := f.ReadAt(table, fanout); err != nil && err != io.EOF {
		return nil, err
	}
	offsets, far := table[n*(idSize+4):size-fanout], table[size-fanout:]
	t := New(format)
	t.byID = make([]uint32, n)
	for i := range t.byID {
		offset := int64(binary.BigEndian.Uint32(offsets[4*i:]))
		if offset&(1<<31) != 0 {
			at := 8 * (offset &^ (1 << 31))
			if at+8 > int64(len(far)) {
				return nil, fault.Bad("its index is malformed")
			}
			offset = int64(binary.BigEndian.Uint64(far[at:]) &^ (1 << 63))
		}
		copy(t.Add(min(max(offset, entry.PackHeader), MaxOffset)).id, table[int(idSize)*i:])
		t.byID[i] = uint32(i)
	}
	return t, nil
}

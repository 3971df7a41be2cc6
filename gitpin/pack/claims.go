package pack

import (
	"encoding/binary"
	"io"
	"os"
	"sync/atomic"
)

// Claims opens a pack by the word of its index, which anybody may have written. The
// Archive finds nothing but claims: what Bytes returns is hashed as ever, and what is
// not what the index says is an error. It is for commits and trees; what else the
// index leads to is not unpacked if it is large. Entries must not be believed, nor
// their Type, which is 0. Errors are *Error or the disk's own.
func Claims(src Source, index *os.File, lim Limits) (*Archive, error) {
	info, err := src.Keep.Stat()
	if err != nil {
		return nil, err
	}
	a := &Archive{file: src.Keep, size: info.Size(), spool: src.Spool, newHasher: src.NewHasher, rows: rows{format: src.format()}, budget: new(atomic.Int64), limits: lim}
	a.budget.Store(lim.inflated())
	if err := a.readIndex(index); err != nil {
		return nil, err
	}
	if src.Announced != nil {
		src.Announced(a.Len())
	}
	return a, nil
}

// readIndex reads ids and offsets of an index of version 2. Checksums and the
// order of ids are not looked at: a wrong one only makes a claim that is found wrong.
func (a *Archive) readIndex(f *os.File) error {
	const fanout = 8 + 256*4
	idSize := int64(a.rows.format.Size())
	tail := 2 * idSize
	var head [fanout]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return badPack("its index is cut off")
	}
	n := int64(binary.BigEndian.Uint32(head[fanout-4:]))
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := fanout + n*(idSize+4+4) // without far offsets, which a kept pack of 2 GiB has
	if string(head[:8]) != "\xfftOc\x00\x00\x00\x02" || n > a.limits.objects() || info.Size() < size+tail || info.Size() > size+n*8+tail {
		return badPack("its index is malformed")
	}
	table := make([]byte, info.Size()-fanout-tail)
	if _, err := f.ReadAt(table, fanout); err != nil && err != io.EOF {
		return err
	}
	offsets, far := table[n*(idSize+4):size-fanout], table[size-fanout:]
	a.byID = make([]uint32, n)
	for i := range a.byID {
		offset := int64(binary.BigEndian.Uint32(offsets[4*i:]))
		if offset&(1<<31) != 0 {
			at := 8 * (offset &^ (1 << 31))
			if at+8 > int64(len(far)) {
				return badPack("its index is malformed")
			}
			offset = int64(binary.BigEndian.Uint64(far[at:]) &^ (1 << 63))
		}
		copy(a.rows.add(min(max(offset, headerSize), maxOffset)).id, table[int(idSize)*i:])
		a.byID[i] = uint32(i)
	}
	return nil
}

package index

import (
	"bufio"
	"encoding/binary"
	"io"
)

// WriteIndex writes the pack's index, version 2, as `git index-pack` would.
func (t *Table) WriteIndex(w io.Writer) error {
	sum := t.format.NewChecksum()
	buf := bufio.NewWriter(io.MultiWriter(w, sum))
	var room [8]byte
	put32 := func(v uint32) { buf.Write(binary.BigEndian.AppendUint32(room[:0], v)) }
	buf.WriteString("\xfftOc")
	put32(2)
	n := 0
	for first := range 256 { // how many ids begin with at most this byte
		for n < len(t.byID) && int(t.id(int(t.byID[n]))[0]) <= first {
			n++
		}
		put32(uint32(n))
	}
	for _, row := range t.byID {
		buf.Write(t.id(int(row)))
	}
	for _, row := range t.byID {
		put32(t.row(int(row)).crc)
	}
	var far []int64 // offsets that need more than 31 bits
	for _, row := range t.byID {
		if offset := t.row(int(row)).offset(); offset < 1<<31 {
			put32(uint32(offset))
		} else {
			put32(1<<31 | uint32(len(far)))
			far = append(far, offset)
		}
	}
	for _, offset := range far {
		buf.Write(binary.BigEndian.AppendUint64(room[:0], uint64(offset)))
	}
	buf.Write(t.Checksum)
	if err := buf.Flush(); err != nil { // the sum below covers what was flushed
		return err
	}
	_, err := w.Write(sum.Sum(nil))
	return err
}

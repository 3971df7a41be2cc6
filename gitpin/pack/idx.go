package pack

import (
	"bufio"
	"crypto/sha1"
	"encoding/binary"
	"io"
)

// WriteIndex writes the pack's index, version 2, as `git index-pack` would.
func (a *Archive) WriteIndex(w io.Writer) error {
	sum := sha1.New()
	buf := bufio.NewWriter(io.MultiWriter(w, sum))
	put32 := func(v uint32) { buf.Write(binary.BigEndian.AppendUint32(nil, v)) }
	buf.WriteString("\xfftOc")
	put32(2)
	n := 0
	for first := range 256 { // how many ids begin with at most this byte
		for n < len(a.byID) && int(a.rows.at(int(a.byID[n])).ID[0]) <= first {
			n++
		}
		put32(uint32(n))
	}
	for _, e := range a.All() {
		buf.Write(e.ID[:])
	}
	for _, e := range a.All() {
		put32(e.crc)
	}
	var far []int64 // offsets that need more than 31 bits
	for _, e := range a.All() {
		if e.offset() < 1<<31 {
			put32(uint32(e.offset()))
		} else {
			put32(1<<31 | uint32(len(far)))
			far = append(far, e.offset())
		}
	}
	for _, offset := range far {
		buf.Write(binary.BigEndian.AppendUint64(nil, uint64(offset)))
	}
	buf.Write(a.Checksum[:])
	if err := buf.Flush(); err != nil { // the sum below covers what was flushed
		return err
	}
	_, err := w.Write(sum.Sum(nil))
	return err
}

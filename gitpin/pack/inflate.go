package pack

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/adler32"
	"io"
)

// inflater inflates whole zlib streams (RFC 1950, RFC 1951) of known length from a
// buffered stream straight into the memory where they are to be. It takes not one
// byte more from the stream than they have.
//
// It is our own because inflating is what a cold launch waits for: libraries read
// byte by byte and copy through a window, and need about twice the time
// (doc/performance.md). What it gives is checked by its checksum here and its hash
// later; TestInflate and FuzzInflate hold it against the standard library's.
// Streams too large for memory, and deltas, still go through a library.
type inflater struct {
	in   *bufio.Reader
	bits uint64 // taken from the stream and not used yet, the next one lowest
	n    uint   // how many
	err  error  // of the stream
	out  []byte
	done int // of out

	lit, dist           table
	fixedLit, fixedDist table
}

var errZlib = badPack("an object is not valid zlib data")

// inflate fills out from the next zlib stream of in, which must end there.
func (f *inflater) inflate(in *bufio.Reader, out []byte) error {
	f.in, f.out, f.bits, f.n, f.done, f.err = in, out, 0, 0, 0, nil
	header := f.take(16)
	if f.err == nil && (header&0xf != 8 || header>>4&0xf > 7 || header>>13&1 != 0 || (header&0xff<<8|header>>8)%31 != 0) {
		return errZlib
	}
	for last := false; !last && f.err == nil; {
		last = f.take(1) == 1
		var err error
		switch f.take(2) {
		case 0:
			err = f.storedBlock()
		case 1:
			err = f.fixed()
		case 2:
			err = f.dynamic()
		default:
			err = errZlib
		}
		if err != nil {
			return f.first(err)
		}
	}
	f.take(f.n & 7)
	var sum [4]byte
	for i := range sum {
		sum[i] = byte(f.take(8))
	}
	switch {
	case f.err != nil:
		return truncated(f.err)
	case f.done < len(out):
		return badPack("an object is shorter than its header says")
	case binary.BigEndian.Uint32(sum[:]) != adler32.Checksum(out):
		return errZlib
	}
	return nil
}

// first gives the error of the stream if there is one, from which another may follow.
func (f *inflater) first(err error) error {
	if f.err != nil {
		return truncated(f.err)
	}
	return err
}

// more takes one byte from the stream.
func (f *inflater) more() {
	if f.err != nil {
		f.n += 8 // zeros, so that every loop ends; nothing of it counts
		return
	}
	c, err := f.in.ReadByte()
	if err != nil {
		f.err = err
	}
	f.bits |= uint64(c) << f.n
	f.n += 8
}

// take takes up to 16 bits.
func (f *inflater) take(n uint) uint64 {
	for f.n < n {
		f.more()
	}
	v := f.bits & (1<<n - 1)
	f.bits >>= n
	f.n -= n
	return v
}

// symbol takes one code, looking at no more bytes than it needs.
func (f *inflater) symbol(t *table) (uint32, error) {
	for {
		e := t.entries[f.bits&(1<<t.primary-1)]
		if e&longer != 0 {
			e = t.entries[uint64(e>>16)+f.bits>>t.primary&(1<<(t.longest-t.primary)-1)]
		}
		if n := codeLength(e); n != 0 && n <= f.n {
			f.bits >>= n
			f.n -= n
			return e, nil
		}
		if f.n >= max(t.longest, t.primary) {
			return 0, errZlib
		}
		f.more()
	}
}

func (f *inflater) storedBlock() error {
	f.take(f.n & 7)
	size := f.take(16)
	if complement := f.take(16); f.err == nil && size != ^complement&0xffff {
		return errZlib
	}
	if int(size) > len(f.out)-f.done {
		return badPack("an object is longer than its header says")
	}
	to := f.out[f.done : f.done+int(size)]
	for len(to) > 0 && f.n > 0 { // at a byte's end, but not always empty
		to[0], to = byte(f.take(8)), to[1:]
	}
	if f.err == nil {
		if _, err := io.ReadFull(f.in, to); err != nil {
			f.err = err
		}
	}
	f.done += int(size)
	return f.err
}

func (f *inflater) fixed() error {
	if f.fixedLit.entries == nil {
		var lengths [288]byte
		for i := range lengths {
			switch {
			case i < 144, i >= 280:
				lengths[i] = 8
			case i < 256:
				lengths[i] = 9
			default:
				lengths[i] = 7
			}
		}
		f.fixedLit.build(lengths[:], litBits, litEntry)
		f.fixedLit.pair()
		f.fixedDist.build(bytes.Repeat([]byte{5}, 32), distBits, distEntry)
	}
	return f.block(&f.fixedLit, &f.fixedDist)
}

func (f *inflater) dynamic() error {
	nlit, ndist, ncode := int(f.take(5))+257, int(f.take(5))+1, int(f.take(4))+4
	if nlit > 286 || ndist > 30 {
		return errZlib
	}
	var lengths [320]byte
	for _, i := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}[:ncode] {
		lengths[i] = byte(f.take(3))
	}
	if left := f.lit.build(lengths[:19], 7, func(i int) uint32 { return uint32(i)<<16 | literal }); left != 0 {
		return errZlib
	}
	lengths = [320]byte{}
	for i := 0; i < nlit+ndist; {
		e, err := f.symbol(&f.lit)
		if err != nil {
			return err
		}
		symbol, repeat, value := e>>16, 1, byte(0)
		switch symbol {
		case 16:
			if i == 0 {
				return errZlib
			}
			repeat, value = 3+int(f.take(2)), lengths[i-1]
		case 17:
			repeat = 3 + int(f.take(3))
		case 18:
			repeat = 11 + int(f.take(7))
		default:
			value = byte(symbol)
		}
		if i+repeat > nlit+ndist {
			return errZlib
		}
		for ; repeat > 0; repeat-- {
			lengths[i] = value
			i++
		}
	}
	if lengths[256] == 0 || // no end
		!usable(&f.lit, f.lit.build(lengths[:nlit], litBits, litEntry)) || !usable(&f.dist, f.dist.build(lengths[nlit:nlit+ndist], distBits, distEntry)) {
		return errZlib
	}
	f.lit.pair()
	return f.block(&f.lit, &f.dist)
}

// block inflates the rest of a block: fast where there is room on both sides, symbol
// by symbol near the ends.
func (f *inflater) block(lit, dist *table) error {
	for {
		if f.done+fastOut <= len(f.out) && f.in.Buffered() >= fastIn {
			end, err := f.fast(lit, dist)
			if end || err != nil {
				return err
			}
		}
		e, err := f.symbol(lit)
		switch {
		case err != nil:
			return err
		case e&endBlock != 0:
			return f.err
		case e&literal != 0:
			for i := range extraBits(e) {
				if f.done == len(f.out) {
					return badPack("an object is longer than its header says")
				}
				f.out[f.done] = byte(e >> 16 >> (8 * i))
				f.done++
			}
			continue
		}
		length := int(e>>16) + int(f.take(extraBits(e)))
		if e, err = f.symbol(dist); err != nil {
			return err
		}
		distance := int(e>>16) + int(f.take(extraBits(e)))
		if distance > f.done {
			return errZlib
		}
		if length > len(f.out)-f.done {
			return badPack("an object is longer than its header says")
		}
		for ; length > 0; length-- {
			f.out[f.done] = f.out[f.done-distance]
			f.done++
		}
	}
}

const (
	fastIn  = 16       // bytes that one turn of fast can take
	fastOut = 258 + 16 // bytes that one turn can write, some of them for nothing
)

// fast inflates for as long as a turn can't run over an end, and reports whether the
// block is at its end. A turn begins with at least 56 bits at hand.
func (f *inflater) fast(lit, dist *table) (end bool, err error) {
	in, _ := f.in.Peek(f.in.Buffered())
	pos, b, n := 0, f.bits, f.n
	out, done := f.out, f.done
	// Arrays and masked shifts spare checks that could never fail.
	lits, dists := (*[1 << litBits]uint32)(lit.entries), (*[1 << distBits]uint32)(dist.entries)
	for pos+fastIn <= len(in) && done+fastOut <= len(out) {
		b |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
		pos += int(63-n) >> 3
		n |= 56
		e := lits[b%(1<<litBits)]
		if e&literal != 0 { // up to three times ten bits
			b >>= e & 63
			n -= uint(e & 63)
			binary.LittleEndian.PutUint16(out[done:], uint16(e>>16))
			done += int(e >> 8 & 3)
			if e = lits[b%(1<<litBits)]; e&literal != 0 {
				b >>= e & 63
				n -= uint(e & 63)
				binary.LittleEndian.PutUint16(out[done:], uint16(e>>16))
				done += int(e >> 8 & 3)
				if e = lits[b%(1<<litBits)]; e&literal != 0 {
					b >>= e & 63
					n -= uint(e & 63)
					binary.LittleEndian.PutUint16(out[done:], uint16(e>>16))
					done += int(e >> 8 & 3)
					continue
				}
			}
			b |= binary.LittleEndian.Uint64(in[pos:]) << (n & 63)
			pos += int(63-n) >> 3
			n |= 56
		}
		if e&longer != 0 {
			e = lit.entries[uint64(e>>16)+b>>litBits&(1<<((lit.longest-litBits)&15)-1)]
		}
		b >>= e & 63
		n -= uint(e & 63)
		if e&literal != 0 {
			binary.LittleEndian.PutUint16(out[done:], uint16(e>>16))
			done += int(e >> 8 & 3)
			continue
		}
		if e&63 == 0 {
			err = errZlib
			break
		}
		if e&endBlock != 0 {
			end = true
			break
		}
		extra := extraBits(e)
		length := int(e>>16) + int(b&(1<<extra-1))
		b >>= extra
		n -= extra
		if e = dists[b%(1<<distBits)]; e&longer != 0 {
			e = dist.entries[uint64(e>>16)+b>>distBits&(1<<((dist.longest-distBits)&15)-1)]
		}
		b >>= e & 63
		n -= uint(e & 63)
		extra = extraBits(e)
		distance := int(e>>16) + int(b&(1<<extra-1))
		b >>= extra
		n -= extra
		if e&63 == 0 || distance > done {
			err = errZlib
			break
		}
		repeat(out[:done+length+8], done, distance, length)
		done += length
	}
	// Whole bytes that were looked at but not used go back.
	pos -= int(n >> 3)
	n &= 7
	f.bits, f.n, f.done = b&(1<<n-1), n, done
	f.in.Discard(pos)
	return end, err
}

// repeat copies length bytes from distance bytes before to. It may write up to 7
// bytes more.
func repeat(out []byte, to, distance, length int) {
	from := to - distance
	switch {
	case distance >= 8:
		for i := 0; i < length; i += 8 {
			binary.LittleEndian.PutUint64(out[to+i:], binary.LittleEndian.Uint64(out[from+i:]))
		}
	case distance == 1:
		c := out[from]
		for i := range out[to : to+length] {
			out[to+i] = c
		}
	default:
		for i := range length {
			out[to+i] = out[from+i]
		}
	}
}

package pack

import "math/bits"

// table decodes one Huffman code. It is looked up by the next primary bits; codes
// that are longer have tables of their own behind. An entry is, from the lowest bit:
// 8 bits of code length, 5 of extra bits, 3 of kind, 16 of value; 0 is no code.
type table struct {
	primary, longest uint
	entries          []uint32
}

const (
	literal  = 1 << 13 // the value is a byte, or two; extra bits say how many
	endBlock = 1 << 14
	longer   = 1 << 15 // the value is where the table of longer codes begins
)

func codeLength(e uint32) uint { return uint(e & 0xff) }
func extraBits(e uint32) uint  { return uint(e >> 8 & 31) }

// How many bits are looked up at once: a larger table takes longer to build than it
// saves on contents of a few kilobytes.
const (
	litBits  = 10
	distBits = 8
)

// litEntry is what a symbol of the first code means: a byte, the end, or a length.
func litEntry(i int) uint32 {
	switch {
	case i < 256:
		return uint32(i)<<16 | 1<<8 | literal
	case i == 256:
		return endBlock
	case i < 265:
		return uint32(i-257+3) << 16
	case i == 285:
		return 258 << 16
	case i > 285:
		return 0
	}
	extra := uint(i-261) >> 2
	return uint32(3+(4+(i-261)&3)<<extra)<<16 | uint32(extra)<<8
}

// distEntry is what a symbol of the second code means: a distance.
func distEntry(i int) uint32 {
	switch {
	case i < 4:
		return uint32(i+1) << 16
	case i >= 30:
		return 0
	}
	extra := uint(i-2) >> 1
	return uint32(1+(2+i&1)<<extra)<<16 | uint32(extra)<<8
}

// usable reports what zlib lets through: codes that use up all there are, a single one
// of one bit, or none.
func usable(t *table, left int) bool { return left == 0 || left > 0 && t.longest <= 1 }

// build makes the table of a code from the lengths of its symbols. It gives how much
// of the code is left unused; less than nothing if there are more symbols than fit.
func (t *table) build(lengths []byte, primary uint, entry func(int) uint32) (left int) {
	var count [16]int
	t.longest = 0
	for _, n := range lengths {
		count[n]++
		t.longest = max(t.longest, uint(n))
	}
	count[0] = 0
	var next [16]uint16
	code := 0
	left = 1
	for n := 1; n < 16; n++ {
		code = (code + count[n-1]) << 1
		next[n] = uint16(code)
		if left = left<<1 - count[n]; left < 0 {
			return left
		}
	}
	t.primary = primary
	t.entries = append(t.entries[:0], make([]uint32, 1<<primary)...)
	for i, n := range lengths {
		if n == 0 {
			continue
		}
		code := uint(bits.Reverse16(next[n]) >> (16 - n))
		next[n]++
		e := entry(i)
		if e != 0 {
			e |= uint32(n)
		}
		t.put(code, uint(n), e)
	}
	return left
}

// pair lets one look-up find two bytes, where both codes fit into it.
func (t *table) pair() {
	all := t.entries[:1<<t.primary]
	for i := len(all) - 1; i >= 0; i-- { // downwards, since i>>n, which must be single yet, is less than i
		e := all[i]
		if e&literal == 0 {
			continue
		}
		n := codeLength(e)
		next := all[i>>n]
		if i>>n < i && next&literal != 0 && n+codeLength(next) <= t.primary {
			all[i] = next>>16<<24 | e&0xff0000 | literal | 2<<8 | uint32(n+codeLength(next))
		}
	}
}

// put enters a code of n bits everywhere that its bits come first.
func (t *table) put(code, n uint, e uint32) {
	if n <= t.primary {
		for ; code < 1<<t.primary; code += 1 << n {
			t.entries[code] = e
		}
		return
	}
	rest := t.longest - t.primary
	at := &t.entries[code&(1<<t.primary-1)]
	if *at == 0 {
		*at = uint32(len(t.entries))<<16 | longer
		t.entries = append(t.entries, make([]uint32, 1<<rest)...)
		at = &t.entries[code&(1<<t.primary-1)]
	}
	sub := t.entries[*at>>16:]
	for code >>= t.primary; code < 1<<rest; code += 1 << (n - t.primary) {
		sub[code] = e
	}
}

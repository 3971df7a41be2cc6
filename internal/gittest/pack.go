package gittest

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"hash"
	"math/rand"
)

// The entry types of packs.
const (
	PackCommit = 1
	PackTree   = 2
	PackBlob   = 3
	PackTag    = 4
	PackOfs    = 6
	PackRef    = 7
)

// PackEntry is an entry of a pack that may lie about itself.
type PackEntry struct {
	Type    int
	Content []byte
	Base    int    // PackOfs: index of the base's entry, which comes earlier
	BaseID  []byte // PackRef
	Size    int    // the size that the header claims; 0 for the truth
	Back    int    // PackOfs: distance to claim instead; 0 for the truth
	RawZlib []byte // the compressed content, written as it is
}

// Hash makes the hash by which a repository's format names objects and checks packs.
type Hash func() hash.Hash

// Pack writes a SHA-1 repository's pack; see [Hash.Pack].
func Pack(count int, entries ...PackEntry) []byte { return Hash(sha1.New).Pack(count, entries...) }

// ID returns an object's id in a SHA-1 repository, for building commits and trees by
// hand.
func ID(typ string, content []byte) []byte { return Hash(sha1.New).ID(typ, content) }

// Pack writes a pack. Its header says that it has count entries; -1 means the truth.
func (h Hash) Pack(count int, entries ...PackEntry) []byte {
	if count < 0 {
		count = len(entries)
	}
	out := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(count))
	offsets := make([]int, len(entries))
	for i, e := range entries {
		offsets[i] = len(out)
		size := e.Size
		if size == 0 {
			size = len(e.Content)
		}
		c := byte(e.Type)<<4 | byte(size&15)
		for size >>= 4; size > 0; size >>= 7 {
			out = append(out, c|0x80)
			c = byte(size & 0x7f)
		}
		out = append(out, c)
		switch e.Type {
		case PackOfs:
			back := e.Back
			if back == 0 {
				back = offsets[i] - offsets[e.Base]
			}
			out = append(out, ofs(back)...)
		case PackRef:
			out = append(out, e.BaseID...)
		}
		if e.RawZlib != nil {
			out = append(out, e.RawZlib...)
			continue
		}
		var z bytes.Buffer
		w := zlib.NewWriter(&z)
		w.Write(e.Content)
		w.Close()
		out = append(out, z.Bytes()...)
	}
	sum := h()
	sum.Write(out)
	return sum.Sum(out)
}

func ofs(back int) []byte {
	b := []byte{byte(back & 0x7f)}
	for back >>= 7; back > 0; back >>= 7 {
		back--
		b = append([]byte{byte(back&0x7f) | 0x80}, b...)
	}
	return b
}

// Delta writes a delta that copies the whole base and then adds text.
func Delta(baseSize int, text string) []byte {
	d := append(varint(baseSize), varint(baseSize+len(text))...)
	for at := 0; at < baseSize; at += 0xffff {
		n := min(0xffff, baseSize-at)
		d = append(d, 0x80|0x0f|0x30, byte(at), byte(at>>8), byte(at>>16), byte(at>>24), byte(n), byte(n>>8))
	}
	for len(text) > 0 {
		n := min(len(text), 127)
		d = append(append(d, byte(n)), text[:n]...)
		text = text[n:]
	}
	return d
}

func varint(n int) []byte {
	var b []byte
	for ; n > 0x7f; n >>= 7 {
		b = append(b, byte(n&0x7f)|0x80)
	}
	return append(b, byte(n))
}

// ID returns an object's id.
func (h Hash) ID(typ string, content []byte) []byte {
	sum := h()
	fmt.Fprintf(sum, "%s %d\x00", typ, len(content))
	sum.Write(content)
	return sum.Sum(nil)
}

// text returns bytes that compress about as well as source code does.
func text(rnd *rand.Rand, size int) []byte {
	var b bytes.Buffer
	for b.Len() < size {
		fmt.Fprintf(&b, "line %x of this\n", rnd.Intn(1<<20))
	}
	return b.Bytes()[:size]
}

// Mixed returns a pack of a few megabytes with 1,500 entries, small and large blobs and
// deltas. It is the same each time.
func Mixed() []byte {
	rnd := rand.New(rand.NewSource(1))
	var entries []PackEntry
	size := 0 // of the object before
	for i := range 1500 {
		content := text(rnd, 1+rnd.Intn(12_000))
		if i%100 == 99 { // longer than what is read after a region
			content = make([]byte, 300_000)
			rnd.Read(content)
		}
		if i%7 == 3 {
			entries = append(entries, PackEntry{Type: PackOfs, Base: i - 1, Content: Delta(size, string(content))})
			size += len(content)
		} else {
			entries = append(entries, PackEntry{Type: PackBlob, Content: content})
			size = len(content)
		}
	}
	return Pack(-1, entries...)
}

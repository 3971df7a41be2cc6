package pack

import (
	"bytes"
	"iter"
	"slices"
	"sort"

	"gitlauncher/gitpin/object"
)

// Entry is one object of a pack. With its place in the order of ids it costs 36 bytes
// of memory, which TestMemoryOfAnObject measures.
type Entry struct {
	ID   object.ID
	Type object.Type // never a delta: what the object is
	high uint8       // of the offset
	low  uint32
	crc  uint32
}

// maxOffset is the largest that an Entry holds, in bytes: 1 TiB.
const maxOffset = 1<<40 - 1

func (e *Entry) offset() int64 { return int64(e.high)<<32 | int64(e.low) }

func (e *Entry) setOffset(o int64) { e.high, e.low = uint8(o>>32), uint32(o) }

// rows are entries in the order of the pack. They stay where they are: others hold on
// to them while more come.
type rows struct {
	pieces [][]Entry // all but the last are full
	n      int
}

// rowPiece is how many entries are allocated together.
const rowPiece = 1024

// add makes room for one more.
func (r *rows) add(offset int64) *Entry {
	if r.n%rowPiece == 0 {
		r.pieces = append(r.pieces, make([]Entry, 0, rowPiece))
	}
	last := &r.pieces[len(r.pieces)-1]
	*last = append(*last, Entry{})
	r.n++
	e := &(*last)[len(*last)-1]
	e.setOffset(offset)
	return e
}

func (r *rows) at(i int) *Entry { return &r.pieces[i/rowPiece][i%rowPiece] }

// search returns the first entry from that offset on; nil if there is none.
func (r *rows) search(offset int64) *Entry {
	i := sort.Search(r.n, func(i int) bool { return r.at(i).offset() >= offset })
	if i == r.n {
		return nil
	}
	return r.at(i)
}

// Len is how many objects there are.
func (a *Archive) Len() int { return a.rows.n }

// All are the objects by id, each with its number in that order.
func (a *Archive) All() iter.Seq2[int, *Entry] {
	return func(yield func(int, *Entry) bool) {
		for i, row := range a.byID {
			if !yield(i, a.rows.at(int(row))) {
				return
			}
		}
	}
}

// Find returns the object of that id, or nil.
func (a *Archive) Find(id object.ID) *Entry {
	if i := a.Number(id); i >= 0 {
		return a.rows.at(int(a.byID[i]))
	}
	return nil
}

// Number is that of the object in the order of ids; -1 for none.
func (a *Archive) Number(id object.ID) int {
	i := sort.Search(len(a.byID), func(i int) bool {
		return bytes.Compare(a.rows.at(int(a.byID[i])).ID[:], id[:]) >= 0
	})
	if i < len(a.byID) && a.rows.at(int(a.byID[i])).ID == id {
		return i
	}
	return -1
}

// sort puts entries in the order of ids, for Find and for the index.
func (a *Archive) sort() {
	a.byID = make([]uint32, a.rows.n)
	for i := range a.byID {
		a.byID[i] = uint32(i)
	}
	slices.SortFunc(a.byID, func(x, y uint32) int {
		return bytes.Compare(a.rows.at(int(x)).ID[:], a.rows.at(int(y)).ID[:])
	})
}

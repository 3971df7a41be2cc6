package pack

import (
	"bytes"
	"iter"
	"slices"
	"sort"

	"gitlauncher/gitpin/object"
)

// Entry is one object of a pack, as an [Archive] knows it.
type Entry struct {
	ID     object.ID
	Type   object.Type // never a delta: what the object is
	offset int64
}

// row is what is kept of an object beside its id. With id and place in the order of ids,
// an object of a SHA-1 pack costs 36 bytes of memory, and one of a SHA-256 pack 48, which
// TestMemoryOfAnObject measures.
type row struct {
	typ  object.Type
	high uint8 // of the offset
	low  uint32
	crc  uint32
}

// maxOffset is the largest that a row holds, in bytes: 1 TiB.
const maxOffset = 1<<40 - 1

func (r *row) offset() int64 { return int64(r.high)<<32 | int64(r.low) }

// rows are entries in the order of the pack. They stay where they are: others hold on
// to them while more come.
type rows struct {
	format object.Format
	pieces []piece // all but the last are full
	n      int
}

// piece is some rows that are allocated together, with their ids.
type piece struct {
	rows []row
	ids  []byte
}

// rowPiece is how many rows are allocated together.
const rowPiece = 1024

// slot is the place of one entry: its row, and room for its id.
type slot struct {
	*row
	id []byte
}

// set says what the object is.
func (s slot) set(t object.Type, id object.ID) {
	s.typ = t
	id.Append(s.id[:0])
}

// add makes room for one more.
func (r *rows) add(offset int64) slot {
	if r.n%rowPiece == 0 {
		r.pieces = append(r.pieces, piece{make([]row, rowPiece), make([]byte, rowPiece*r.format.Size())})
	}
	r.n++
	s := r.at(r.n - 1)
	s.high, s.low = uint8(offset>>32), uint32(offset)
	return s
}

func (r *rows) at(i int) slot { return slot{r.row(i), r.id(i)} }

func (r *rows) row(i int) *row { return &r.pieces[i/rowPiece].rows[i%rowPiece] }

func (r *rows) id(i int) []byte {
	size, at := r.format.Size(), i%rowPiece
	return r.pieces[i/rowPiece].ids[at*size:][:size:size]
}

func (r *rows) entry(i int) Entry {
	row := r.row(i)
	return Entry{r.format.ID(r.id(i)), row.typ, row.offset()}
}

// search returns the number of the first entry from that offset on; r.n if there is none.
func (r *rows) search(offset int64) int {
	return sort.Search(r.n, func(i int) bool { return r.row(i).offset() >= offset })
}

// Len is how many objects there are.
func (a *Archive) Len() int { return a.rows.n }

// All are the objects by id, each with its number in that order.
func (a *Archive) All() iter.Seq2[int, Entry] {
	return func(yield func(int, Entry) bool) {
		for i, row := range a.byID {
			if !yield(i, a.rows.entry(int(row))) {
				return
			}
		}
	}
}

// Find returns the object of that id, if it is there.
func (a *Archive) Find(id object.ID) (Entry, bool) {
	i := a.Number(id)
	if i < 0 {
		return Entry{}, false
	}
	return a.rows.entry(int(a.byID[i])), true
}

// Number is that of the object in the order of ids; -1 for none.
func (a *Archive) Number(id object.ID) int {
	if id.Format() != a.rows.format {
		return -1
	}
	var room [object.MaxSize]byte
	want := id.Append(room[:0])
	i := sort.Search(len(a.byID), func(i int) bool { return bytes.Compare(a.rows.id(int(a.byID[i])), want) >= 0 })
	if i < len(a.byID) && bytes.Equal(a.rows.id(int(a.byID[i])), want) {
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
	slices.SortFunc(a.byID, func(x, y uint32) int { return bytes.Compare(a.rows.id(int(x)), a.rows.id(int(y))) })
}

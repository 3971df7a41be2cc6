package index

import (
	"bytes"
	"iter"
	"slices"
	"sort"

	"gitlauncher/gitpin/object"
)

// Table has the objects of a pack of one format. They are added in the order of the pack.
// All, Find, Number and WriteIndex need Sort, which needs the ids of all objects.
type Table struct {
	Checksum []byte // the pack's own, which is in the names of its files

	format object.Format
	pieces []piece  // all but the last are full
	n      int      // objects
	byID   []uint32 // rows in the order of ids
}

// Entry is one object of a pack.
type Entry struct {
	ID     object.ID
	Type   object.Type // of the object, and never a delta; 0 while it is not known
	Offset int64
}

// row has what a table keeps of an object besides its id and its place in the order of ids.
// All of it together takes 36 bytes of memory for an object of a SHA-1 pack, and 48 for one
// of a SHA-256 pack. TestMemoryOfAnObject measures that.
type row struct {
	typ  object.Type
	high uint8  // the offset's bits from 32 on
	low  uint32 // and those below
	crc  uint32
}

// MaxOffset is the largest offset that a table can have, in bytes: 1 TiB less one.
const MaxOffset = 1<<40 - 1

func (r *row) offset() int64 { return int64(r.high)<<32 | int64(r.low) }

// piece is rows that are allocated together, with their ids.
type piece struct {
	rows []row
	ids  []byte
}

// rowPiece is the number of rows in a piece.
const rowPiece = 1024

// New returns an empty table for a pack of the format.
func New(f object.Format) *Table { return &Table{format: f} }

// Format returns the format of all ids.
func (t *Table) Format() object.Format { return t.format }

// Slot is the place of one object in a table. It stays valid while more are added.
type Slot struct {
	row *row
	id  []byte
}

// Set sets the object's type and id.
func (s Slot) Set(typ object.Type, id object.ID) {
	s.row.typ = typ
	id.Append(s.id[:0])
}

// SetCRC sets the CRC-32 of the object's entry.
func (s Slot) SetCRC(crc uint32) { s.row.crc = crc }

// Type returns the object's type; 0 while it is not known.
func (s Slot) Type() object.Type { return s.row.typ }

// Offset returns where the object's entry begins in the pack.
func (s Slot) Offset() int64 { return s.row.offset() }

// Add adds an object at that offset, which is at most MaxOffset.
func (t *Table) Add(offset int64) Slot {
	if t.n%rowPiece == 0 {
		t.pieces = append(t.pieces, piece{make([]row, rowPiece), make([]byte, rowPiece*t.format.Size())})
	}
	t.n++
	s := t.At(t.n - 1)
	s.row.high, s.row.low = uint8(offset>>32), uint32(offset)
	return s
}

// At returns the slot with that number, in the order of the pack.
func (t *Table) At(i int) Slot { return Slot{t.row(i), t.id(i)} }

func (t *Table) row(i int) *row { return &t.pieces[i/rowPiece].rows[i%rowPiece] }

func (t *Table) id(i int) []byte {
	size, at := t.format.Size(), i%rowPiece
	return t.pieces[i/rowPiece].ids[at*size:][:size:size]
}

// Entry returns the object with that number, in the order of the pack.
func (t *Table) Entry(i int) Entry {
	row := t.row(i)
	return Entry{t.format.ID(t.id(i)), row.typ, row.offset()}
}

// Search returns the number, in the order of the pack, of the first object at or after that
// offset, or Len if there is none.
func (t *Table) Search(offset int64) int {
	return sort.Search(t.n, func(i int) bool { return t.row(i).offset() >= offset })
}

// Sort makes the order of the ids, which All, Find, Number and WriteIndex use.
func (t *Table) Sort() {
	t.byID = make([]uint32, t.n)
	for i := range t.byID {
		t.byID[i] = uint32(i)
	}
	slices.SortFunc(t.byID, func(x, y uint32) int { return bytes.Compare(t.id(int(x)), t.id(int(y))) })
}

// Len returns the number of objects.
func (t *Table) Len() int { return t.n }

// All iterates over the objects in the order of their ids, each with its number in it.
func (t *Table) All() iter.Seq2[int, Entry] {
	return func(yield func(int, Entry) bool) {
		for i, row := range t.byID {
			if !yield(i, t.Entry(int(row))) {
				return
			}
		}
	}
}

// Find returns the object with that id, if there is one.
func (t *Table) Find(id object.ID) (Entry, bool) {
	i := t.Number(id)
	if i < 0 {
		return Entry{}, false
	}
	return t.Entry(int(t.byID[i])), true
}

// Number returns the object's number in the order of ids, or -1 if there is none.
func (t *Table) Number(id object.ID) int {
	if id.Format() != t.format {
		return -1
	}
	var room [object.MaxSize]byte
	want := id.Append(room[:0])
	i := sort.Search(len(t.byID), func(i int) bool { return bytes.Compare(t.id(int(t.byID[i])), want) >= 0 })
	if i < len(t.byID) && bytes.Equal(t.id(int(t.byID[i])), want) {
		return i
	}
	return -1
}

package pack

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"sync"

	"gitlauncher/gitpin/object"
)

// Entry is one object of a pack.
type Entry struct {
	ID     object.ID
	Type   object.Type // never a delta: what the object is
	offset int64
	crc    uint32
}

// Archive is a pack whose every object was named by hashing it.
type Archive struct {
	Checksum [trailerSize]byte // the pack's own, which names its files

	file      *os.File
	size      int64
	spool     func() (*os.File, error)
	newHasher func() *object.Hasher
	entries   []*Entry // by id, once read

	// named holds the offsets of named objects while a second pass meets deltas
	// that name their base by its id; nil otherwise.
	namedMu sync.Mutex
	named   map[object.ID]int64
}

// Entries gives all objects, sorted by id.
func (a *Archive) Entries() []*Entry { return a.entries }

// Find gives the object of that id, or nil.
func (a *Archive) Find(id object.ID) *Entry {
	i := sort.Search(len(a.entries), func(i int) bool { return bytes.Compare(a.entries[i].ID[:], id[:]) >= 0 })
	if i < len(a.entries) && a.entries[i].ID == id {
		return a.entries[i]
	}
	return nil
}

// Bytes reads an object into memory; it is for commits, trees and tags. The
// bytes are hashed again, since the file may have changed under us.
func (a *Archive) Bytes(ctx context.Context, e *Entry) ([]byte, error) {
	c, err := a.open(ctx, e.offset, nil)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if c.size > maxMeta {
		return nil, &LimitError{"object", maxMeta}
	}
	content := make([]byte, c.size)
	if _, err := c.ReadAt(content, 0); err != nil && err != io.EOF {
		return nil, err
	}
	id, err := a.newHasher().Sum(e.Type, content)
	if err != nil {
		return nil, err
	}
	if id != e.ID || c.typ != e.Type {
		return nil, errChanged
	}
	return content, nil
}

// WriteTo copies a blob to w, hashing it again on the way. An error leaves w with
// bytes that prove nothing.
func (a *Archive) WriteTo(ctx context.Context, e *Entry, w io.Writer) error {
	hasher := a.newHasher()
	h, r, err := a.at(e.offset)
	if err != nil {
		return err
	}
	if h.typ == object.Blob { // streams, whatever its size
		hasher.Begin(object.Blob, h.size)
		if _, err := io.CopyN(io.MultiWriter(w, hasher), r, h.size); err != nil {
			return badContent(err)
		}
		if err := atEnd(r); err != nil {
			return err
		}
	} else {
		c, err := a.open(ctx, e.offset, nil)
		if err != nil {
			return err
		}
		defer c.close()
		hasher.Begin(object.Blob, c.size)
		if _, err := io.Copy(io.MultiWriter(w, hasher), io.NewSectionReader(c, 0, c.size)); err != nil {
			return err
		}
	}
	id, err := hasher.ID()
	if err == nil && id != e.ID {
		err = errChanged
	}
	return err
}

var errChanged = errors.New("the kept pack changed while it was in use")

// content is an object's content, in memory or in a spool file.
type content struct {
	io.ReaderAt
	typ  object.Type
	size int64
	file *os.File
}

func (c *content) close() {
	if c.file != nil {
		c.file.Close()
	}
}

// at reads the header of an entry and gives its inflated content.
func (a *Archive) at(offset int64) (entryHeader, io.ReadCloser, error) {
	h := entryHeader{offset: offset}
	br := bufio.NewReaderSize(io.NewSectionReader(a.file, offset, a.size-trailerSize-offset), 32<<10)
	if err := readEntryHeader(br, &h); err != nil {
		return h, nil, err
	}
	z, err := inflate(nil, br)
	return h, z, err
}

// offsetOf gives where the object of that id lies; 0, the pack's header, for none.
func (a *Archive) offsetOf(id object.ID) int64 {
	if a.named != nil {
		a.namedMu.Lock()
		defer a.namedMu.Unlock()
		return a.named[id]
	}
	if e := a.Find(id); e != nil {
		return e.offset
	}
	return 0
}

// open gives an entry's content, following its deltas. Bases are looked for in
// bases, if there is one, and left there.
func (a *Archive) open(ctx context.Context, offset int64, bases *cache) (*content, error) {
	// The chain is gathered first and unwound after, so that its length costs no
	// stack. Offsets fall along ofs-deltas, and ids of a chain can't form a ring
	// without a collision, but a hostile file may change under us: hence seen.
	var chain []int64
	seen := make(map[int64]bool)
	for {
		if seen[offset] {
			return nil, badPack("a delta is its own base")
		}
		seen[offset] = true
		if hit, ok := bases.get(offset); ok {
			return a.unwind(ctx, chain, inMemory(hit.typ, hit.content), bases)
		}
		h, r, err := a.at(offset)
		if err != nil {
			return nil, err
		}
		switch h.typ {
		case ofsDelta:
			chain, offset = append(chain, offset), h.baseOffset
		case refDelta:
			base := a.offsetOf(h.baseID)
			if base == 0 {
				return nil, &missingBaseError{h.baseID}
			}
			chain, offset = append(chain, offset), base
		default:
			c, err := a.load(h.typ, h.size, func(w io.Writer) error {
				if _, err := io.CopyN(w, r, h.size); err != nil {
					return badContent(err)
				}
				return atEnd(r)
			})
			if err != nil {
				return nil, err
			}
			bases.putContent(offset, c)
			return a.unwind(ctx, chain, c, bases)
		}
	}
}

// unwind applies a chain of deltas, the last first.
func (a *Archive) unwind(ctx context.Context, chain []int64, base *content, bases *cache) (*content, error) {
	for i := len(chain) - 1; i >= 0; i-- {
		if ctx.Err() != nil {
			base.close()
			return nil, context.Cause(ctx)
		}
		h, r, err := a.at(chain[i])
		if err != nil {
			base.close()
			return nil, err
		}
		d, err := readDelta(io.LimitReader(r, h.size))
		if err != nil {
			base.close()
			return nil, err
		}
		c, err := a.load(base.typ, d.resultSize, func(w io.Writer) error {
			if err := d.apply(base, base.size, w); err != nil {
				return err
			}
			return atEnd(r)
		})
		base.close()
		if err != nil {
			return nil, err
		}
		bases.putContent(chain[i], c)
		base = c
	}
	return base, nil
}

// load takes content of a known size from fill, in memory if it is small and in
// a spool file if not.
func (a *Archive) load(t object.Type, size int64, fill func(io.Writer) error) (*content, error) {
	if size <= largeBlob || t != object.Blob && size <= maxMeta {
		buf := bytes.NewBuffer(make([]byte, 0, size))
		if err := fill(buf); err != nil {
			return nil, err
		}
		return inMemory(t, buf.Bytes()), nil
	}
	f, err := a.spool()
	if err != nil {
		return nil, fmt.Errorf("making a temporary file: %w", err)
	}
	w := bufio.NewWriterSize(f, 256<<10)
	err = fill(w)
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &content{ReaderAt: f, typ: t, size: size, file: f}, nil
}

func inMemory(t object.Type, b []byte) *content {
	return &content{ReaderAt: &memory{b}, typ: t, size: int64(len(b))}
}

// sort puts entries in the order of ids, for Find and for the index.
func (a *Archive) sort() {
	sort.Slice(a.entries, func(i, j int) bool { return bytes.Compare(a.entries[i].ID[:], a.entries[j].ID[:]) < 0 })
}

package pack

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/delta"
	"gitlauncher/gitpin/pack/entry"
	"gitlauncher/gitpin/pack/fault"
	"gitlauncher/gitpin/pack/index"
	"gitlauncher/internal/bounded"
)

// Archive is a pack with a table of its objects. [Read] names every object by hashing it.
// [Claims] believes an index about the names, until an object is read.
type Archive struct {
	*index.Table

	file      *os.File
	size      int64
	spool     func() (*os.File, error)
	newHasher func() *object.Hasher
	limits    Limits

	// budget is how many bytes an Archive of Claims may still unpack. It is nil for one of
	// Read, which has counted them.
	budget *atomic.Int64

	// named has the offsets of the objects that have names, during a second pass over deltas
	// that name their base by its id. Otherwise it is nil.
	namedMu sync.Mutex
	named   map[object.ID]int64
}

// Size returns the size of the pack in bytes.
func (a *Archive) Size() int64 { return a.size }

// Bytes reads an object into memory and returns its type and content. It is for commits,
// trees and tags. It hashes the bytes again, because the file may have changed or an index
// may lie.
func (a *Archive) Bytes(ctx context.Context, e index.Entry) (object.Type, []byte, error) {
	c, err := a.open(ctx, e.Offset, nil, nil)
	if err != nil {
		return 0, nil, err
	}
	defer c.close()
	if err := a.limits.checkMeta(c.size); err != nil {
		return 0, nil, err
	}
	content, inMemory := c.bytes()
	if !inMemory {
		content = make([]byte, c.size)
		if _, err := c.ReadAt(content, 0); err != nil && err != io.EOF {
			return 0, nil, err
		}
	}
	id, err := a.newHasher().Sum(c.typ, content)
	if err != nil {
		return 0, nil, err
	}
	if id != e.ID || e.Type != 0 && c.typ != e.Type {
		return 0, nil, errChanged
	}
	return c.typ, content, nil
}

// WriteTo copies a blob to w and hashes it again on the way. After an error the bytes in w
// prove nothing.
func (a *Archive) WriteTo(ctx context.Context, e index.Entry, w io.Writer) error {
	hasher := a.newHasher()
	h, r, err := a.at(e.Offset)
	if err != nil {
		return err
	}
	defer r.release()
	w = bounded.Writer(ctx, io.MultiWriter(w, hasher))
	if h.Type == object.Blob { // not a delta, so it streams, whatever its size
		hasher.Begin(object.Blob, h.Size)
		if _, err := io.CopyN(w, r, h.Size); err != nil {
			return entry.BadContent(err)
		}
		if err := entry.AtEnd(r); err != nil {
			return err
		}
	} else {
		c, err := a.open(ctx, e.Offset, nil, nil)
		if err != nil {
			return err
		}
		defer c.close()
		hasher.Begin(object.Blob, c.size)
		if _, err := io.Copy(w, io.NewSectionReader(c, 0, c.size)); err != nil {
			return err
		}
	}
	id, err := hasher.ID()
	if err == nil && id != e.ID {
		err = errChanged
	}
	return err
}

var errChanged = errors.New("the kept pack does not hold what it should where it should")

// content is an object's content, in memory or in a spool file.
type content struct {
	io.ReaderAt
	typ  object.Type
	size int64
	file *os.File
}

// bytes returns the content, if it is in memory.
func (c *content) bytes() ([]byte, bool) {
	m, ok := c.ReaderAt.(*delta.Memory)
	if !ok {
		return nil, false
	}
	return m.Bytes, true
}

func (c *content) close() {
	if c.file != nil {
		c.file.Close()
	}
}

// entryReader reads one entry's inflated content.
type entryReader struct {
	buf  *bufio.Reader
	zlib io.ReadCloser
}

func (r *entryReader) Read(p []byte) (int, error) { return r.zlib.Read(p) }

// entryReaders lets readers use the memory of earlier ones.
var entryReaders = sync.Pool{New: func() any { return &entryReader{buf: bufio.NewReaderSize(nil, 16<<10)} }}

// release ends the use of a reader.
func (r *entryReader) release() {
	r.buf.Reset(nil)
	entryReaders.Put(r)
}

// at reads the header of the entry at offset and returns a reader of its inflated content.
func (a *Archive) at(offset int64) (entry.Header, *entryReader, error) {
	h := entry.Header{Offset: offset}
	size := int64(a.Format().Size())
	r := entryReaders.Get().(*entryReader)
	r.buf.Reset(io.NewSectionReader(a.file, offset, max(0, a.size-size-offset)))
	err := entry.ReadHeader(r.buf, a.Format(), &h)
	if err == nil {
		var z io.ReadCloser
		if z, err = entry.Zlib(r.zlib, r.buf); err == nil {
			r.zlib = z
			return h, r, nil
		}
	}
	r.release()
	return h, nil, err
}

// offsetOf returns the offset of the object with that id, or 0 if there is none.
func (a *Archive) offsetOf(id object.ID) int64 {
	if a.named != nil {
		a.namedMu.Lock()
		defer a.namedMu.Unlock()
		return a.named[id]
	}
	e, _ := a.Find(id)
	return e.Offset
}

// open returns the content of the entry at offset, with its deltas applied. It looks for
// bases in the cache and puts them there, unless bases is nil. It calls charge, unless that
// is nil, with the size of the result before any of it is made; charge may refuse.
func (a *Archive) open(ctx context.Context, offset int64, bases *cache, charge func(int64) error) (*content, error) {
	// The chain is collected first and unwound later, so that a long one needs no stack.
	// Offsets decrease along ofs-deltas, and the ids of a chain can't form a ring without a
	// collision. But somebody may change the file meanwhile, so seen ends a ring.
	var chain []int64
	seen := make(map[int64]bool)
	for {
		if seen[offset] {
			return nil, fault.Bad("a delta is its own base")
		}
		seen[offset] = true
		if hit, ok := bases.get(offset); ok {
			if len(chain) == 0 && charge != nil {
				if err := charge(int64(len(hit.content))); err != nil {
					return nil, err
				}
			}
			return a.unwind(ctx, chain, inMemory(hit.typ, hit.content), bases, charge)
		}
		h, r, err := a.at(offset)
		if err != nil {
			return nil, err
		}
		base := h.BaseOffset
		switch h.Type {
		case entry.OfsDelta:
			r.release()
		case entry.RefDelta:
			r.release()
			if base = a.offsetOf(h.BaseID); base == 0 {
				return nil, &missingBaseError{h.BaseID}
			}
		default:
			c, err := a.load(ctx, h.Type, h.Size, func(w io.Writer) error {
				if _, err := io.CopyN(w, r, h.Size); err != nil {
					return entry.BadContent(err)
				}
				return entry.AtEnd(r)
			})
			r.release()
			if err != nil {
				return nil, err
			}
			bases.putContent(offset, c)
			return a.unwind(ctx, chain, c, bases, charge)
		}
		chain, offset = append(chain, offset), base
	}
}

// unwind applies a chain of deltas, the last one first. It calls charge, unless that is nil,
// with the size of the result.
func (a *Archive) unwind(ctx context.Context, chain []int64, base *content, bases *cache, charge func(int64) error) (*content, error) {
	for i := len(chain) - 1; i >= 0; i-- {
		chargeHere := charge
		if i > 0 {
			chargeHere = nil
		}
		c, err := a.step(ctx, chain[i], base, chargeHere)
		base.close()
		if err != nil {
			return nil, err
		}
		bases.putContent(chain[i], c)
		base = c
	}
	return base, nil
}

// step applies the delta at offset to its base.
func (a *Archive) step(ctx context.Context, offset int64, base *content, charge func(int64) error) (*content, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	h, r, err := a.at(offset)
	if err != nil {
		return nil, err
	}
	defer r.release()
	d, err := delta.Read(io.LimitReader(r, h.Size))
	if err == nil && charge != nil {
		err = charge(d.ResultSize)
	}
	if err != nil {
		return nil, err
	}
	return a.load(ctx, base.typ, d.ResultSize, func(w io.Writer) error {
		if err := d.Apply(base, base.size, w); err != nil {
			return err
		}
		return entry.AtEnd(r)
	})
}

// load returns the content that fill writes: in memory if it is small, and otherwise in a
// spool file. The pack claims the size. So load checks it against the limits first, and
// allocates memory as the bytes arrive.
func (a *Archive) load(ctx context.Context, t object.Type, size int64, fill func(io.Writer) error) (*content, error) {
	if err := a.limits.check(t, size); err != nil {
		return nil, err
	}
	if a.budget != nil && a.budget.Add(-size) < 0 {
		return nil, a.limits.tooMuch()
	}
	if a.spool == nil && t == object.Blob && size > largeBlob { // it is neither a commit nor a tree
		return nil, errChanged
	}
	if size <= largeBlob || t != object.Blob {
		buf := bytes.NewBuffer(make([]byte, 0, min(size, entry.Upfront)))
		if err := fill(buf); err != nil {
			return nil, err
		}
		return inMemory(t, buf.Bytes()), nil
	}
	f, err := a.spool()
	if err != nil {
		return nil, fmt.Errorf("making a temporary file: %w", err)
	}
	w := bufio.NewWriterSize(bounded.Writer(ctx, f), 256<<10)
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
	return &content{ReaderAt: &delta.Memory{Bytes: b}, typ: t, size: int64(len(b))}
}

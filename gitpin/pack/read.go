package pack

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"sort"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"gitlauncher/gitpin/object"
)

// Bounds that are not for a user to set.
const (
	maxObjects = 10 << 20  // entries of one pack; each costs some 40 bytes here
	maxMeta    = 128 << 20 // bytes of one commit, tree or tag; a tree of a million entries has 40 MiB
	largeBlob  = 4 << 20   // bytes from which on a blob is never held in memory
	inFlight   = 8 << 20   // bytes of blobs on their way to the workers
	batchBytes = 128 << 10 // of blobs that go to a worker together, the last one not counted
	batchBlobs = 128       // and how many they are at most
)

// Limits bound what a pack may cost. Zero means zero.
type Limits struct {
	Pack int64 // bytes of the pack
	Tree int64 // bytes of the files that are wanted from it, see inflated
}

// inflated is how many bytes all objects may have together: trees, history and
// whatever a server sends beyond what was asked come on top of the files, which
// are counted again where they are written.
func (l Limits) inflated() int64 {
	const times, most = 16, 1 << 50
	return times * min(l.Tree, most)
}

// LimitError says which of the launcher's limits was passed.
type LimitError struct {
	What  string // "pack", "tree", "files"
	Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the %s limit of %d is passed", e.What, e.Limit)
}

// Sink is told of every object that needs no second pass, by the id that its own
// bytes have.
type Sink interface {
	// Meta gets commits, trees and tags, one at a time, in the order of the pack.
	Meta(t object.Type, id object.ID, content []byte) error
	// Blob gets blobs of up to 4 MiB, several at a time. The content stays
	// unchanged, and must.
	Blob(id object.ID, content []byte) error
	// Large begins a larger blob, whose id is known at its end only. It returns
	// Discard if the blob is not wanted now.
	Large(size int64) (LargeBlob, error)
}

// LargeBlob gets a blob in pieces, and then one of the two calls.
type LargeBlob interface {
	io.Writer
	// Named ends a blob: what was written is the one of that id.
	Named(id object.ID) error
	// Drop ends what proved to be none.
	Drop()
}

// Discard is a LargeBlob that nobody wants.
var Discard LargeBlob = discard{}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) Named(object.ID) error       { return nil }
func (discard) Drop()                       {}

// NamesOnly is a Sink for a reading whose result is the names of a pack's objects.
type NamesOnly struct{}

// Meta keeps nothing.
func (NamesOnly) Meta(object.Type, object.ID, []byte) error { return nil }

// Blob keeps nothing.
func (NamesOnly) Blob(object.ID, []byte) error { return nil }

// Large keeps nothing.
func (NamesOnly) Large(int64) (LargeBlob, error) { return Discard, nil }

// Source is where Read gets and keeps a pack.
type Source struct {
	// Stream is the pack, from its first byte to its last. Nil means that Keep holds
	// it already. After an error a call of its Read may still be under way.
	Stream io.Reader
	// Keep holds the pack's bytes afterwards.
	Keep *os.File
	// Spool makes an empty file that goes away when it is closed.
	Spool func() (*os.File, error)
	// NewHasher makes what names objects.
	NewHasher func() *object.Hasher
}

// Read reads a whole pack and names every object in it. Errors are *Error,
// *LimitError, object.ErrCollision, the stream's or the disk's own.
func Read(ctx context.Context, src Source, lim Limits, sink Sink) (*Archive, error) {
	from := takeIn(src, lim.Pack)
	defer from.close()
	scan, err := newScanner(from)
	if err != nil {
		return nil, err
	}
	if scan.count > maxObjects {
		return nil, &LimitError{"object", maxObjects}
	}
	outer := ctx
	group, ctx := errgroup.WithContext(outer)
	in := &reading{
		from: from, scan: scan, ahead: newAhead(from), sink: sink, limit: lim.Tree, inflatedLeft: lim.inflated(),
		hasher: src.NewHasher(), bases: newCache(baseCache),
		blobs: make(chan batch, 64), room: semaphore.NewWeighted(inFlight),
		archive: &Archive{file: src.Keep, spool: src.Spool, newHasher: src.NewHasher},
	}
	group.Go(func() error {
		defer close(in.blobs)
		defer in.ahead.end()
		defer in.from.close()
		if err := in.entries(ctx); err != nil {
			return err
		}
		return in.dispatch(ctx)
	})
	cores := runtime.GOMAXPROCS(0)
	guessers := min(cores-1, maxGuessers)
	for range guessers {
		group.Go(func() error { in.ahead.guess(guessers); return nil })
	}
	for range cores {
		hasher := src.NewHasher()
		group.Go(func() error { return in.hashBlobs(hasher) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	a := in.archive
	if err := a.resolve(outer, in.rows, in.later, in.inflatedLeft, lim.Tree); err != nil {
		return nil, err
	}
	a.entries = in.rows
	a.sort()
	return a, nil
}

// reading is one pass over a pack.
type reading struct {
	from         *intake
	scan         *scanner
	ahead        *ahead
	sink         Sink
	hasher       *object.Hasher
	bases        *cache
	limit        int64
	inflatedLeft int64
	later        []entryHeader // deltas for the second pass
	batch        batch         // in the making
	blobs        chan batch
	room         *semaphore.Weighted
	archive      *Archive
	rows         []*Entry
}

// blob is one that waits for its name.
type blob struct {
	entry   *Entry
	content inflated
}

// batch is some blobs together: to wake a worker costs more than to hash a small one.
type batch struct {
	blobs []blob
	bytes int64
}

func (in *reading) entries(ctx context.Context) error {
	for range in.scan.count {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		h, err := in.scan.next()
		if err != nil {
			return err
		}
		if h.size > in.inflatedLeft {
			return &LimitError{"tree", in.limit}
		}
		in.inflatedLeft -= h.size
		if err := in.entry(ctx, h); err != nil {
			return err
		}
	}
	sum, err := in.scan.trailer()
	if err != nil {
		return err
	}
	in.archive.Checksum, in.archive.size = sum, in.scan.position()
	return in.from.checkTrailer(sum)
}

// entry reads one entry's content and passes it on, or notes it for later.
func (in *reading) entry(ctx context.Context, h entryHeader) error {
	e := &Entry{offset: h.offset}
	in.rows = append(in.rows, e)
	err := in.content(ctx, e, h)
	e.crc = in.scan.entryCRC()
	return err
}

// content reads one entry's content: small ones into memory, large ones as a stream.
func (in *reading) content(ctx context.Context, e *Entry, h entryHeader) error {
	isDelta := h.typ == ofsDelta || h.typ == refDelta
	if h.size > largeBlob && (isDelta || h.typ == object.Blob) {
		r, err := in.scan.content()
		if err != nil {
			return err
		}
		if isDelta {
			return in.delta(ctx, e, h, r)
		}
		return in.large(ctx, e, h, r)
	}
	if h.size > maxMeta {
		return &LimitError{"object", maxMeta}
	}
	content, err := in.inflate(h)
	if err != nil {
		return err
	}
	if !isDelta {
		return in.found(ctx, e, h.typ, content)
	}
	if err := content.check(); err != nil {
		return err
	}
	return in.delta(ctx, e, h, bytes.NewReader(content.bytes))
}

// inflate gives the content of the entry whose header was read.
func (in *reading) inflate(h entryHeader) (inflated, error) {
	if g, ok := in.ahead.take(h.offset); ok && int64(len(g.content.bytes)) == h.size {
		return g.content, in.scan.skip(g.end)
	}
	return in.scan.inflate(in.scan.buf, make([]byte, h.size))
}

// found names an object whose content is at hand; for blobs, others do.
func (in *reading) found(ctx context.Context, e *Entry, t object.Type, content inflated) error {
	in.bases.put(e.offset, t, content.bytes)
	if t == object.Blob {
		in.batch.blobs = append(in.batch.blobs, blob{e, content})
		in.batch.bytes += int64(len(content.bytes))
		if in.batch.bytes < batchBytes && len(in.batch.blobs) < batchBlobs {
			return nil
		}
		return in.dispatch(ctx)
	}
	if err := e.name(in.hasher, t, content); err != nil {
		return err
	}
	return in.sink.Meta(t, e.ID, content.bytes)
}

// dispatch sends the batch to the workers.
func (in *reading) dispatch(ctx context.Context) error {
	if err := in.room.Acquire(ctx, in.batch.bytes); err != nil {
		return context.Cause(ctx)
	}
	select {
	case in.blobs <- in.batch:
		in.batch = batch{}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// name gives an object its type and the id that its bytes have.
func (e *Entry) name(hasher *object.Hasher, t object.Type, content inflated) error {
	err := content.check()
	if err == nil {
		e.Type = t
		e.ID, err = hasher.Sum(t, content.bytes)
	}
	return err
}

// delta resolves a delta if its base is at hand, and else notes it for later.
// Its own bytes are read either way: that is how the next entry is found.
func (in *reading) delta(ctx context.Context, e *Entry, h entryHeader, r io.Reader) error {
	if h.typ == ofsDelta && !in.begins(h.baseOffset) {
		return badPack("a delta's base is not where an entry begins")
	}
	base, ok := in.bases.get(h.baseOffset)
	if !ok || h.typ == refDelta {
		if _, err := io.CopyN(io.Discard, r, h.size); err != nil {
			return badContent(err)
		}
		in.later = append(in.later, h)
		return atEnd(r)
	}
	d, err := readDelta(io.LimitReader(r, h.size))
	if err != nil {
		return err
	}
	if d.resultSize > in.inflatedLeft {
		return &LimitError{"tree", in.limit}
	}
	if d.resultSize > largeBlob {
		if _, err := io.Copy(io.Discard, d.code); err != nil {
			return badContent(err)
		}
		in.later = append(in.later, h)
		return atEnd(r)
	}
	in.inflatedLeft -= d.resultSize
	result := bytes.NewBuffer(make([]byte, 0, d.resultSize))
	if err := d.apply(&memory{base.content}, int64(len(base.content)), result); err != nil {
		return err
	}
	if err := atEnd(r); err != nil {
		return err
	}
	return in.found(ctx, e, base.typ, inflated{bytes: result.Bytes(), checked: true})
}

// begins reports whether an entry begins at an offset.
func (in *reading) begins(offset int64) bool {
	i := sort.Search(len(in.rows), func(i int) bool { return in.rows[i].offset >= offset })
	return i < len(in.rows)-1 && in.rows[i].offset == offset // the last one is the delta itself
}

// hashBlobs is a worker.
func (in *reading) hashBlobs(hasher *object.Hasher) error {
	for batch := range in.blobs {
		for _, b := range batch.blobs {
			if err := b.entry.name(hasher, object.Blob, b.content); err != nil {
				return err
			}
			if err := in.sink.Blob(b.entry.ID, b.content.bytes); err != nil {
				return err
			}
		}
		in.room.Release(batch.bytes)
	}
	return nil
}

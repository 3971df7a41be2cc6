package pack

import (
	"bytes"
	"context"
	"io"
	"os"
	"runtime"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/delta"
	"gitlauncher/gitpin/pack/entry"
	"gitlauncher/gitpin/pack/fault"
	"gitlauncher/gitpin/pack/index"
	"gitlauncher/gitpin/pack/scan"
	"gitlauncher/internal/bounded"
)

const (
	inFlight    = 5 << 20   // bytes of blobs on their way to the workers
	batchBytes  = 128 << 10 // bytes of the blobs in a batch, without the last one
	batchBlobs  = 128       // blobs in a batch, at most
	maxGuessers = 4         // workers that inflate ahead of the scan
)

// A batch that is larger than inFlight would wait forever. Then this does not compile.
const _ = uint(inFlight - batchBytes - largeBlob)

// Sink receives every object that needs no second pass, with the id of its own bytes.
type Sink interface {
	// Meta receives commits, trees and tags, one at a time, in the order of the pack.
	Meta(t object.Type, id object.ID, content []byte) error
	// Blob receives blobs of up to 4 MiB. It is called by several goroutines at a time. The
	// content never changes, and the sink must not change it.
	Blob(id object.ID, content []byte) error
	// Large begins a larger blob, whose id is known only at its end. It returns Discard if
	// the blob is not wanted.
	Large(size int64) (LargeBlob, error)
}

// LargeBlob receives a blob in pieces, and then a call of Named or Drop.
type LargeBlob interface {
	io.Writer
	// Named ends a blob. What was written is the blob with that id.
	Named(id object.ID) error
	// Drop ends a blob that proved to be bad.
	Drop()
}

// Discard is a [LargeBlob] that ignores what it receives.
var Discard LargeBlob = discard{}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) Named(object.ID) error       { return nil }
func (discard) Drop()                       {}

// NamesOnly is a [Sink] that ignores what it receives, for callers who want only the names
// of a pack's objects.
type NamesOnly struct{}

// Meta implements [Sink].
func (NamesOnly) Meta(object.Type, object.ID, []byte) error { return nil }

// Blob implements [Sink].
func (NamesOnly) Blob(object.ID, []byte) error { return nil }

// Large implements [Sink].
func (NamesOnly) Large(int64) (LargeBlob, error) { return Discard, nil }

// Source is where Read gets and keeps a pack.
type Source struct {
	// Stream is the pack, from its first byte to its last. It is nil if Keep has the pack
	// already. After an error a call of its Read may still be under way.
	Stream io.Reader
	// Keep has the pack's bytes in the end.
	Keep *os.File
	// Spool makes an empty file that is removed when it is closed. It may be nil for
	// [Claims].
	Spool func() (*os.File, error)
	// NewHasher makes a hasher for the objects. Its format is that of the pack.
	NewHasher func() *object.Hasher
	// Announced is called with the number of objects that the pack announces, if that is
	// within the limits. It may be nil.
	Announced func(objects int)
}

func (s Source) format() object.Format { return s.NewHasher().Format() }

// Read reads a whole pack and names every object in it. Errors are *[Error], *[LimitError],
// [object.ErrCollision], and those of the sink, the stream and the disk. A stream that ends
// too early is an [io.ErrUnexpectedEOF].
func Read(ctx context.Context, src Source, lim Limits, sink Sink) (*Archive, error) {
	in, err := scan.Begin(src.Stream, src.Keep, src.format(), lim.Pack)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if most := lim.objects(); int64(in.Count()) > most {
		return nil, &LimitError{What: "object", Limit: most}
	}
	if src.Announced != nil {
		src.Announced(int(in.Count()))
	}
	group, gctx := errgroup.WithContext(ctx)
	r := &reading{
		scan: in, sink: sink, limits: lim, left: lim.inflated(), codeLeft: lim.inflated(),
		hasher: src.NewHasher(), bases: newCache(baseCache),
		blobs: make(chan batch, 64), room: semaphore.NewWeighted(inFlight),
		archive: &Archive{Table: index.New(src.format()), file: src.Keep, spool: src.Spool, newHasher: src.NewHasher, limits: lim},
	}
	group.Go(func() error {
		defer close(r.blobs)
		defer in.Close()
		if err := r.entries(gctx); err != nil {
			return err
		}
		return r.dispatch(gctx)
	})
	cores := runtime.GOMAXPROCS(0)
	guessers := min(cores-1, maxGuessers)
	for range guessers {
		group.Go(func() error { in.Guess(guessers); return nil })
	}
	for range cores {
		hasher := src.NewHasher()
		group.Go(func() error { return r.hashBlobs(hasher) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	a := r.archive
	if err := a.resolve(ctx, r.later, r.laterByID, r.left); err != nil {
		return nil, err
	}
	a.Sort()
	return a, nil
}

// reading is one pass over a pack.
type reading struct {
	scan      *scan.Scan
	sink      Sink
	hasher    *object.Hasher
	bases     *cache
	limits    Limits
	left      int64    // bytes that objects may still have
	codeLeft  int64    // bytes that deltas themselves may still have
	later     []uint32 // the numbers of deltas for the second pass, in the order of the pack
	laterByID bool     // some of them name their base by its id
	batch     batch    // the next one, not yet complete
	blobs     chan batch
	room      *semaphore.Weighted
	archive   *Archive
}

// blob is a blob that has no name yet.
type blob struct {
	slot    index.Slot
	content entry.Content
}

// batch is some blobs for one worker, because waking a worker costs more than hashing a
// small blob.
type batch struct {
	blobs []blob
	bytes int64
}

func (in *reading) entries(ctx context.Context) error {
	for range in.scan.Count() {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		h, err := in.scan.Next()
		if err != nil {
			return err
		}
		if err := in.admit(h); err != nil {
			return err
		}
		if err := in.entry(ctx, h); err != nil {
			return err
		}
	}
	var err error
	in.archive.Checksum, in.archive.size, err = in.scan.End()
	return err
}

// admit checks what a header announces against the limits, before anything is inflated.
func (in *reading) admit(h entry.Header) error {
	if h.Offset > index.MaxOffset {
		return &LimitError{What: "pack", Limit: index.MaxOffset}
	}
	if h.IsDelta() {
		if in.codeLeft -= h.Size; in.codeLeft < 0 {
			return in.limits.tooMuch()
		}
		return nil
	}
	return in.charge(h.Type, h.Size)
}

// charge counts an object's bytes against the limits.
func (in *reading) charge(t object.Type, size int64) error {
	if err := in.limits.check(t, size); err != nil {
		return err
	}
	if in.left -= size; in.left < 0 {
		return in.limits.tooMuch()
	}
	return nil
}

// entry adds one entry to the table and reads its content.
func (in *reading) entry(ctx context.Context, h entry.Header) error {
	e := in.archive.Add(h.Offset)
	err := in.content(ctx, e, h)
	e.SetCRC(in.scan.CRC())
	return err
}

// content reads one entry's content: into memory if it is small, and otherwise as a stream.
func (in *reading) content(ctx context.Context, e index.Slot, h entry.Header) error {
	isDelta := h.IsDelta()
	if h.Size > largeBlob && (isDelta || h.Type == object.Blob) {
		r, err := in.scan.Stream()
		if err != nil {
			return err
		}
		if isDelta {
			return in.delta(ctx, e, h, bounded.Reader(ctx, r))
		}
		return in.large(ctx, e, h, r)
	}
	content, err := in.scan.Whole(h)
	if err != nil {
		return err
	}
	if !isDelta {
		return in.found(ctx, e, h.Type, content)
	}
	if err := content.Check(); err != nil {
		return err
	}
	return in.delta(ctx, e, h, bytes.NewReader(content.Bytes))
}

// found names an object whose content is in memory. Workers name blobs.
func (in *reading) found(ctx context.Context, e index.Slot, t object.Type, content entry.Content) error {
	in.bases.put(e.Offset(), t, content.Bytes)
	if t == object.Blob {
		in.batch.blobs = append(in.batch.blobs, blob{e, content})
		in.batch.bytes += int64(len(content.Bytes))
		if in.batch.bytes < batchBytes && len(in.batch.blobs) < batchBlobs {
			return nil
		}
		return in.dispatch(ctx)
	}
	id, err := name(e, in.hasher, t, content)
	if err != nil {
		return err
	}
	return in.sink.Meta(t, id, content.Bytes)
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

// name sets an object's type and id, which it computes, and returns the id.
func name(s index.Slot, hasher *object.Hasher, t object.Type, content entry.Content) (object.ID, error) {
	if err := content.Check(); err != nil {
		return object.ID{}, err
	}
	id, err := hasher.Sum(t, content.Bytes)
	if err == nil {
		s.Set(t, id)
	}
	return id, err
}

// delta resolves a delta if its base is in memory, and otherwise postpones it. It reads the
// delta's own bytes either way, since the next entry follows them.
func (in *reading) delta(ctx context.Context, e index.Slot, h entry.Header, r io.Reader) error {
	if h.Type == entry.OfsDelta && !in.begins(h.BaseOffset) {
		return fault.Bad("a delta's base is not where an entry begins")
	}
	code := &io.LimitedReader{R: r, N: h.Size}
	base, ok := in.bases.get(h.BaseOffset)
	if !ok || h.Type == entry.RefDelta {
		return in.postpone(h, code, code)
	}
	d, err := delta.Read(code)
	if err != nil {
		return err
	}
	if d.ResultSize > largeBlob {
		if err := in.limits.check(base.typ, d.ResultSize); err != nil {
			return err
		}
		return in.postpone(h, d.Rest(), code)
	}
	if err := in.charge(base.typ, d.ResultSize); err != nil {
		return err
	}
	result := bytes.NewBuffer(make([]byte, 0, min(d.ResultSize, entry.Upfront)))
	if err := d.Apply(&delta.Memory{Bytes: base.content}, int64(len(base.content)), result); err != nil {
		return err
	}
	if err := entry.AtEnd(r); err != nil {
		return err
	}
	return in.found(ctx, e, base.typ, entry.Content{Bytes: result.Bytes(), Checked: true})
}

// postpone leaves a delta to the second pass. rest is the unread part of its code.
func (in *reading) postpone(h entry.Header, rest io.Reader, code *io.LimitedReader) error {
	if _, err := io.Copy(io.Discard, rest); err != nil {
		return entry.BadContent(err)
	}
	if code.N > 0 {
		return entry.BadContent(io.EOF)
	}
	in.later = append(in.later, uint32(in.archive.Len()-1))
	in.laterByID = in.laterByID || h.Type == entry.RefDelta
	return entry.AtEnd(code.R)
}

// begins reports whether an entry other than the last one begins at an offset.
func (in *reading) begins(offset int64) bool {
	a := in.archive
	i := a.Search(offset)
	return i < a.Len()-1 && a.At(i).Offset() == offset
}

// hashBlobs is one worker: it names the blobs of one batch after the other.
func (in *reading) hashBlobs(hasher *object.Hasher) error {
	for batch := range in.blobs {
		for _, b := range batch.blobs {
			id, err := name(b.slot, hasher, object.Blob, b.content)
			if err != nil {
				return err
			}
			if err := in.sink.Blob(id, b.content.Bytes); err != nil {
				return err
			}
		}
		in.room.Release(batch.bytes)
	}
	return nil
}

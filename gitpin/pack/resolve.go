package pack

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/fault"
	"gitlauncher/internal/bounded"
)

// missingBaseError reports a delta whose base has no name yet, or is not in the pack.
type missingBaseError struct{ id object.ID }

func (e *missingBaseError) Error() string { return e.Unwrap().Error() }

// Unwrap returns the [*Error] that this is once the whole pack has been read.
func (e *missingBaseError) Unwrap() error {
	return fault.Bad("the base %s of a delta is not in it", e.id)
}

// resolver is the second pass: it names the deltas whose base was not in memory in the
// first.
type resolver struct {
	archive *Archive
	left    atomic.Int64 // bytes that objects may still have

	mu      sync.Mutex
	waiting map[object.ID][]int64 // offsets of deltas, by the base that they lack
}

// resolve names the deltas in later. First, workers share them. Then only those are left
// that name as their base, by its id, another delta, and those based on them. Each is
// resolved once its base has a name.
//
// byID says that some name their base by its id. left is how many bytes objects may still
// have.
func (a *Archive) resolve(ctx context.Context, later []uint32, byID bool, left int64) error {
	r := &resolver{archive: a, waiting: make(map[object.ID][]int64)}
	r.left.Store(left)
	if byID {
		a.named = make(map[object.ID]int64, a.Len())
		for i := range a.Len() {
			if e := a.Entry(i); e.Type != 0 {
				a.named[e.ID] = e.Offset
			}
		}
	}
	group, gctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			w := r.worker()
			for i := next.Add(1) - 1; i < int64(len(later)); i = next.Add(1) - 1 {
				if err := w.name(gctx, a.At(int(later[i])).Offset()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := r.takeUp(ctx); err != nil {
		return err
	}
	for id := range r.waiting {
		return &missingBaseError{id}
	}
	a.named = nil
	return nil
}

// takeUp resolves waiting deltas until none is left whose base has a name.
func (r *resolver) takeUp(ctx context.Context) error {
	w := r.worker()
	var ready []object.ID
	for id := range r.waiting {
		if r.archive.offsetOf(id) != 0 {
			ready = append(ready, id)
		}
	}
	for len(ready) > 0 {
		id := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		offsets := r.waiting[id]
		delete(r.waiting, id)
		for _, offset := range offsets {
			if err := w.name(ctx, offset); err != nil {
				return err
			}
			if e := r.archive.Entry(r.archive.Search(offset)); e.Type != 0 && r.waiting[e.ID] != nil {
				ready = append(ready, e.ID)
			}
		}
	}
	return nil
}

// worker resolves deltas, one at a time.
type worker struct {
	*resolver
	hasher *object.Hasher
	bases  *cache
}

func (r *resolver) worker() *worker {
	return &worker{r, r.archive.newHasher(), newCache(baseCache / 2)}
}

// charge counts an object's bytes against the limit, before they are made.
func (r *resolver) charge(size int64) error {
	if r.left.Add(-size) < 0 {
		return r.archive.limits.tooMuch()
	}
	return nil
}

// name resolves and names the delta at offset, or adds it to the waiting ones.
func (w *worker) name(ctx context.Context, offset int64) error {
	c, err := w.archive.open(ctx, offset, w.bases, w.charge)
	var missing *missingBaseError
	if errors.As(err, &missing) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.waiting[missing.id] = append(w.waiting[missing.id], offset)
		return nil
	}
	if err != nil {
		return err
	}
	defer c.close()
	w.hasher.Begin(c.typ, c.size)
	if _, err := io.Copy(bounded.Writer(ctx, w.hasher), io.NewSectionReader(c, 0, c.size)); err != nil {
		return err
	}
	id, err := w.hasher.ID()
	if err != nil {
		return err
	}
	e := w.archive.At(w.archive.Search(offset))
	w.mu.Lock()
	defer w.mu.Unlock()
	e.Set(c.typ, id)
	if w.archive.named != nil {
		w.archive.namedMu.Lock()
		w.archive.named[id] = offset
		w.archive.namedMu.Unlock()
	}
	return nil
}

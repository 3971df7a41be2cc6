package pack

import (
	"context"
	"io"

	"golang.org/x/sync/errgroup"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/entry"
	"gitlauncher/gitpin/pack/index"
)

// large names a blob as it streams by. It hashes a piece and gives it to the sink while the
// next piece is inflated.
func (in *reading) large(ctx context.Context, e index.Slot, h entry.Header, r io.Reader) error {
	to, err := in.sink.Large(h.Size)
	if err != nil {
		return err
	}
	in.hasher.Begin(object.Blob, h.Size)
	err = pipeline(ctx, r, h.Size, func(b []byte) error {
		in.hasher.Write(b)
		_, err := to.Write(b)
		return err
	})
	if err == nil {
		err = entry.AtEnd(r)
	}
	var id object.ID
	if err == nil {
		id, err = in.hasher.ID()
	}
	if err != nil {
		to.Drop()
		return err
	}
	e.Set(object.Blob, id)
	return to.Named(id)
}

// pipeline reads size bytes. It calls use with one piece after the other while it reads the
// next ones.
func pipeline(ctx context.Context, r io.Reader, size int64, use func([]byte) error) error {
	const pieces, length = 4, 256 << 10
	group, ctx := errgroup.WithContext(ctx)
	full, empty := make(chan []byte, pieces), make(chan []byte, pieces)
	for range pieces {
		empty <- make([]byte, length)
	}
	group.Go(func() error {
		defer close(full)
		for left := size; left > 0; {
			var b []byte
			select {
			case b = <-empty:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			b = b[:min(left, length)]
			if _, err := io.ReadFull(r, b); err != nil {
				return entry.BadContent(err)
			}
			left -= int64(len(b))
			full <- b // never blocks: it has room for all pieces
		}
		return nil
	})
	group.Go(func() error {
		for b := range full {
			if err := use(b); err != nil {
				return err
			}
			empty <- b[:length]
		}
		return nil
	})
	return group.Wait()
}

// Package parallel shares work among processors.
package parallel

import (
	"context"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Do calls do for 0 to n-1 on all processors, in blocks so that neighbours (files of
// one directory) stay with one worker. The first error ends it. So does the end of the
// context, whose cause it then returns.
func Do(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	const block = 32
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for {
				from := int(next.Add(block)) - block
				if from >= n {
					return nil
				}
				for i := from; i < min(from+block, n); i++ {
					if ctx.Err() != nil {
						return context.Cause(ctx)
					}
					if err := do(ctx, i); err != nil {
						return err
					}
				}
			}
		})
	}
	return group.Wait()
}

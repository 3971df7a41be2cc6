package parallel_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"gitlauncher/internal/parallel"
)

// TestDo: every number comes up once.
func TestDo(t *testing.T) {
	for _, n := range []int{0, 1, 31, 32, 33, 1000} {
		seen := make([]atomic.Int32, n)
		err := parallel.Do(context.Background(), n, func(_ context.Context, i int) error {
			seen[i].Add(1)
			return nil
		})
		if err != nil {
			t.Errorf("%d: %v", n, err)
		}
		for i := range seen {
			if seen[i].Load() != 1 {
				t.Errorf("%d of %d came up %d times", i, n, seen[i].Load())
			}
		}
	}
}

// TestDoEnds at the first error, and with the context.
func TestDoEnds(t *testing.T) {
	wrong := errors.New("wrong")
	var calls atomic.Int64
	err := parallel.Do(context.Background(), 1<<40, func(_ context.Context, i int) error {
		if calls.Add(1) == 10 {
			return wrong
		}
		return nil
	})
	if !errors.Is(err, wrong) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	err = parallel.Do(ctx, 1<<40, func(context.Context, int) error {
		cancel(wrong)
		return nil
	})
	if !errors.Is(err, wrong) {
		t.Errorf("%v instead of the context's cause", err)
	}
}

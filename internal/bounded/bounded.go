// Package bounded ends with a context what does not heed one by itself: calls of libraries,
// readers and writers.
package bounded

import "context"

// Call runs call, and stops waiting for it when the context ends; the error is then the
// context's cause. The caller must then make the abandoned call end, by closing what it
// reads from.
func Call[T any](ctx context.Context, call func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	done := make(chan answer, 1) // so that an abandoned call can end
	go func() {
		value, err := call()
		done <- answer{value, err}
	}()
	select {
	case a := <-done:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}

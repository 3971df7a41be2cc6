package bounded

import (
	"context"
	"errors"
	"testing"
)

func TestCall(t *testing.T) {
	broken, ended := errors.New("broken"), errors.New("ended")
	if v, err := Call(t.Context(), func() (int, error) { return 7, broken }); v != 7 || err != broken {
		t.Errorf("%d, %v", v, err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	never := make(chan struct{})
	defer close(never)
	_, err := Call(ctx, func() (int, error) {
		cancel(ended)
		<-never
		return 0, nil
	})
	if err != ended {
		t.Errorf("a call that does not heed its context: %v", err)
	}
}

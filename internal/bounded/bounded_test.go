package bounded

import (
	"context"
	"errors"
	"io"
	"strings"
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

// TestStreams: both pass on what is read and written until the context ends, and then
// nothing more; the error is the context's cause.
func TestStreams(t *testing.T) {
	ended := errors.New("ended")
	ctx, cancel := context.WithCancelCause(t.Context())
	var to strings.Builder
	r, w := Reader(ctx, strings.NewReader("before after")), Writer(ctx, &to)
	b := make([]byte, 6)
	if n, err := io.ReadFull(r, b); n != 6 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := w.Write(b); n != 6 || err != nil {
		t.Fatal(n, err)
	}
	cancel(ended)
	if n, err := r.Read(b); n != 0 || err != ended {
		t.Errorf("read %d, %v", n, err)
	}
	if n, err := w.Write([]byte("after")); n != 0 || err != ended {
		t.Errorf("wrote %d, %v", n, err)
	}
	if to.String() != "before" {
		t.Errorf("%q", to.String())
	}
}

package fetch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

// TestStream: a fault of the network is told from a fault that the consumer finds.
func TestStream(t *testing.T) {
	stop, broken, own := errors.New("a signal"), errors.New("the connection breaks"), errors.New("a bad pack")
	read := func(s *stream) error {
		_, err := io.Copy(io.Discard, struct{ io.Reader }{s})
		return err
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	moved := 0
	s := &stream{ctx: ctx, r: strings.NewReader("0123456789"), moved: func(n int) { moved += n }}
	if err := read(s); err != nil || moved != 10 || s.broke(own) != nil || s.broke(io.ErrUnexpectedEOF) != io.ErrUnexpectedEOF || s.broke(io.EOF) != io.EOF {
		t.Errorf("a stream in good order: %v, %d bytes, %v", err, moved, s.broke(own))
	}
	s.end()
	s.r = strings.NewReader("late")
	if err := read(s); err != nil || moved != 10 {
		t.Errorf("after its end: %v, %d bytes", err, moved)
	}
	s = &stream{ctx: ctx, r: io.MultiReader(strings.NewReader("x"), &failing{broken})}
	if err := read(s); err != broken || s.broke(broken) != broken || s.broke(own) != nil {
		t.Errorf("a broken connection: %v, %v", err, s.broke(own))
	}
	s = &stream{ctx: ctx, r: strings.NewReader("xyz")}
	if s.broke(own) != nil {
		t.Errorf("before any end: %v", s.broke(own))
	}
	cancel(stop)
	if err := read(s); err != stop || s.broke(own) != stop || s.err != stop {
		t.Errorf("after a signal: %v, %v", err, s.broke(own))
	}
	s = &stream{ctx: &late{Context: ctx}, r: &failing{broken}}
	if _, err := s.Read(make([]byte, 1)); err != stop {
		t.Errorf("a signal while it reads: %v", err)
	}
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// late is a context that seems to be live when its error is read for the first time.
type late struct {
	context.Context
	looked bool
}

func (l *late) Err() error {
	if !l.looked {
		l.looked = true
		return nil
	}
	return l.Context.Err()
}

// TestHeaded: the number of objects is reported once, however the bytes are divided.
func TestHeaded(t *testing.T) {
	pack := "PACK\x00\x00\x00\x02\x00\x00\x01\x02rest"
	for size := 1; size <= len(pack); size++ {
		var told []uint32
		h := &headed{r: strings.NewReader(pack), told: func(n uint32) { told = append(told, n) }}
		var out bytes.Buffer
		if _, err := io.CopyBuffer(struct{ io.Writer }{&out}, struct{ io.Reader }{h}, make([]byte, size)); err != nil || out.String() != pack || len(told) != 1 || told[0] != 258 {
			t.Errorf("in pieces of %d: %v, %v, %q", size, err, told, out.String())
		}
	}
}

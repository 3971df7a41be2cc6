package fetch

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// stream is the pack's bytes. It ends with its context even where the reader below does
// not, and remembers why it ended: that is the network's word, as opposed to what the
// consumer finds wrong with the bytes. It may be read beyond its end, on another core.
type stream struct {
	ctx context.Context
	r   io.Reader

	mu    sync.Mutex
	moved func(n int) // told of each reading; nil after end
	err   error       // why there are no more bytes; io.EOF at the end
}

// Read reads on.
func (s *stream) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, s.ended(context.Cause(s.ctx))
	}
	n, err := s.r.Read(p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moved != nil {
		s.moved(n)
	}
	if err != nil && s.ctx.Err() != nil {
		err = context.Cause(s.ctx)
	}
	if err != nil {
		s.err = err
	}
	return n, err
}

func (s *stream) ended(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	return err
}

// end stops reporting bytes that still arrive.
func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.moved = nil
}

// broke returns what ended the stream if that is what the consumer failed for; nil if
// the consumer failed for a reason of its own.
func (s *stream) broke(consumer error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ctx.Err() != nil:
		return context.Cause(s.ctx)
	case s.err == nil:
		return nil
	case errors.Is(consumer, io.ErrUnexpectedEOF): // the stream ended in good order, and too early
		return consumer
	case errors.Is(consumer, s.err):
		return s.err
	}
	return nil
}

// headed tells how many objects a pack says that it has, as soon as its header is there
// (gitformat-pack(5)).
type headed struct {
	r    io.Reader
	told func(objects uint32) // nil after telling
	head []byte
}

func (h *headed) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if h.told != nil {
		const length = 12 // "PACK", version, number of objects
		h.head = append(h.head, p[:min(n, length-len(h.head))]...)
		if len(h.head) == length {
			h.told(binary.BigEndian.Uint32(h.head[8:]))
			h.told = nil
		}
	}
	return n, err
}

package fetch

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// stream is the pack's bytes. It ends with its context, even if the reader below does not. It
// remembers why it ended: that tells a fault of the network from what the consumer finds
// wrong with the bytes. Another goroutine may still read it after end.
type stream struct {
	ctx context.Context
	r   io.Reader

	mu    sync.Mutex
	moved func(n int) // called after each read; nil after end
	err   error       // why there are no more bytes; io.EOF at the end
}

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

// broke returns what ended the stream if the consumer failed because of it. It returns nil
// if the consumer failed for another reason.
func (s *stream) broke(consumer error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ctx.Err() != nil:
		return context.Cause(s.ctx)
	case s.err == nil:
		return nil
	case errors.Is(consumer, io.ErrUnexpectedEOF): // the stream ended without an error, but too early
		return consumer
	case errors.Is(consumer, s.err):
		return s.err
	}
	return nil
}

// headed is a reader of a pack. It calls told with the number of objects that the pack's
// header announces, as soon as the header has been read (gitformat-pack(5)).
type headed struct {
	r    io.Reader
	told func(objects uint32) // nil after the call
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

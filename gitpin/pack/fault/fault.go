// Package fault has the errors that reading a pack can end with: a pack that is none, and
// a limit that is passed. Everything else is the stream's or the disk's own error.
package fault

import (
	"errors"
	"fmt"
	"io"
)

// Error is a pack that breaks the format or lies about itself.
type Error struct{ Reason string }

func (e *Error) Error() string { return "bad pack: " + e.Reason }

// Bad returns an [*Error].
func Bad(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Truncated turns the end of a stream in the middle of something into what it
// means; other errors (a dead network, a deadline) pass through.
func Truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("bad pack: it ends too early: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// LimitError says which of the launcher's limits was passed.
type LimitError struct {
	What  string // "pack", "tree", "file", "object", "object size", "tag"
	Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the %s limit of %d is passed", e.What, e.Limit)
}

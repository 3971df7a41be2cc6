// Package fault has the errors of reading a pack: a bad pack, and a limit that is exceeded.
// Everything else is an error of the stream or the disk.
package fault

import (
	"errors"
	"fmt"
	"io"
)

// Error says how a pack breaks the format or contradicts itself.
type Error struct{ Reason string }

func (e *Error) Error() string { return "bad pack: " + e.Reason }

// Bad returns an *[Error].
func Bad(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Truncated turns the end of a stream in the middle of something into an error that wraps
// [io.ErrUnexpectedEOF]. It returns other errors (a dead network, a deadline) as they are.
func Truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("bad pack: it ends too early: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// LimitError says which of the launcher's limits a pack exceeds.
type LimitError struct {
	What  string // "pack", "tree", "file", "object", "object size", "tag"
	Limit int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the %s limit of %d is exceeded", e.What, e.Limit)
}

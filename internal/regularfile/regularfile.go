// Package regularfile reads files that somebody else may have put there: regular ones of
// bounded size, or an error.
//
// Opening a pipe waits for a writer, a device may never end, and a file may be larger than
// memory. Anyone who can put one of these at a name that a program reads could keep it from
// working.
package regularfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// ErrKind says that a name is no regular file's: a folder, a pipe, a device.
var ErrKind = errors.New("is not a regular file")

// TooLargeError is a file that is larger than was asked for.
type TooLargeError struct{ Limit int64 } // in bytes

func (e *TooLargeError) Error() string { return fmt.Sprintf("is larger than %d KiB", e.Limit>>10) }

// Read returns the content of a file of at most limit bytes. It follows a symbolic link.
// Errors are [ErrKind], *[TooLargeError], and those of the os package.
func Read(name string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%w: it is a folder", ErrKind)
	}
	if !info.Mode().IsRegular() {
		return nil, ErrKind
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, &TooLargeError{limit}
	}
	return data, err
}

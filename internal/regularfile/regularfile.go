// Package regularfile reads files that somebody else may have put there: regular ones of
// bounded size, or an error.
//
// Opening a pipe waits for a writer, a device may never end, and a file may be larger
// than memory. Anyone who can put one of these at a name that a program reads could
// keep that program from working.
package regularfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// ErrKind says that a name is not that of a regular file, but of a folder, a pipe or a
// device.
var ErrKind = errors.New("is not a regular file")

// TooLargeError says that a file is larger than its reader allows.
type TooLargeError struct{ Limit int64 } // in bytes

func (e *TooLargeError) Error() string { return fmt.Sprintf("is larger than %d KiB", e.Limit>>10) }

// Open opens a file for reading. It follows a symbolic link. Errors are [ErrKind] and
// those of the os package.
func Open(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = fmt.Errorf("%w: it is a folder", ErrKind)
	case !info.Mode().IsRegular():
		err = ErrKind
	default:
		return f, nil
	}
	f.Close()
	return nil, err
}

// Read returns the content of a file of at most limit bytes. Errors are those of [Open],
// and *[TooLargeError].
func Read(name string, limit int64) ([]byte, error) {
	f, err := Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, &TooLargeError{limit}
	}
	return data, err
}

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
	"io/fs"
	"os"
	"syscall"
)

// ErrKind says that a name is not that of a regular file, but of a folder, a pipe or a
// device.
var ErrKind = errors.New("is not a regular file")

// ErrLink says that a name is that of a symbolic link, where none is followed.
var ErrLink = errors.New("is a symbolic link")

// TooLargeError says that a file is larger than its reader allows.
type TooLargeError struct{ Limit int64 } // in bytes

func (e *TooLargeError) Error() string { return fmt.Sprintf("is larger than %d KiB", e.Limit>>10) }

// flags open a file for reading, and without waiting for anybody.
const flags = os.O_RDONLY | syscall.O_NONBLOCK

// Open opens a file for reading. It follows a symbolic link. Errors are [ErrKind] and
// those of the os package.
func Open(name string) (*os.File, error) {
	f, err := os.OpenFile(name, flags, 0)
	if err != nil {
		return nil, err
	}
	if err := check(f); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// check requires that an open file is a regular one.
func check(f *os.File) error {
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%w: it is a folder", ErrKind)
	case !info.Mode().IsRegular():
		return ErrKind
	}
	return nil
}

// Read returns the content of a file of at most limit bytes. Errors are those of
// [Open], and [*TooLargeError].
func Read(name string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(name, flags, 0)
	if err != nil {
		return nil, err
	}
	return content(f, limit)
}

// ReadUnlinked is [Read] without following a symbolic link at the name itself, which is
// [ErrLink].
func ReadUnlinked(name string, limit int64) ([]byte, error) {
	return unlinked(os.Lstat, openUnlinked, name, limit)
}

// openUnlinked does not follow a link where the system can do without: whoever puts one there
// must not choose what is opened, since opening a device has effects.
func openUnlinked(name string, flag int, perm os.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag|noFollow, perm)
}

// ReadIn is [ReadUnlinked] below root.
func ReadIn(root *os.Root, name string, limit int64) ([]byte, error) {
	return unlinked(root.Lstat, root.OpenFile, name, limit)
}

// unlinked does not rely on O_NOFOLLOW: Windows has no such flag, and an [os.Root] follows
// links itself, whatever the flags say. The name may become a link after it was looked
// at, so the file that was opened must be the one that was looked at. Where it is another
// one, somebody may just have put a new file there, and it is looked at again.
func unlinked(lstat func(string) (os.FileInfo, error), open func(string, int, os.FileMode) (*os.File, error), name string, limit int64) ([]byte, error) {
	for range tries {
		self, err := lstat(name)
		if err != nil {
			return nil, err
		}
		if self.Mode().Type() == fs.ModeSymlink {
			return nil, ErrLink
		}
		f, err := open(name, flags, 0)
		if errors.Is(err, syscall.ELOOP) {
			continue // it has become a link
		}
		if err != nil {
			return nil, err
		}
		if opened, err := f.Stat(); err == nil && os.SameFile(self, opened) {
			return content(f, limit)
		}
		f.Close()
	}
	return nil, ErrLink
}

// tries is how often a file is looked at that somebody replaces.
const tries = 100

// content reads an open file, and closes it.
func content(f *os.File, limit int64) ([]byte, error) {
	defer f.Close()
	if err := check(f); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, &TooLargeError{limit}
	}
	return data, err
}

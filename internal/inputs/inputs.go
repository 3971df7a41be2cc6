package inputs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"gitlauncher/verify/evidence"
)

// InvalidError says that evidence can't be read as what it claims to be.
type InvalidError struct{ Err error }

func (e *InvalidError) Error() string { return e.Err.Error() }
func (e *InvalidError) Unwrap() error { return e.Err }

// NameError says why the name of a file can't be meant.
type NameError struct{ Reason string }

func (e *NameError) Error() string { return e.Reason }

// FolderError says that there is a folder where a file is meant.
type FolderError struct{ Name string }

func (e *FolderError) Error() string { return e.Name + " is a folder, and a file is meant" }

// LargeError says that a file is larger than its kind may be.
type LargeError struct {
	name  string
	limit int64 // bytes
}

func (e *LargeError) Error() string {
	if e.limit < 1<<20 {
		return fmt.Sprintf("%s is larger than %d KiB", e.name, e.limit>>10)
	}
	return fmt.Sprintf("%s is larger than %d MiB", e.name, e.limit>>20)
}

// Files are the files of one command line, of which one may be standard input.
type Files struct {
	Stdin io.Reader
	taken bool
}

// StandardInput returns standard input to the flag that asks first. It is one document.
func (f *Files) StandardInput() (io.Reader, error) {
	if f.taken {
		return nil, &NameError{"standard input (-) is asked for more than once"}
	}
	f.taken = true
	return f.Stdin, nil
}

// Read reads a file of at most limit bytes; "-" is standard input.
func (f *Files) Read(name string, limit int64) ([]byte, error) {
	var in io.Reader
	var room bytes.Buffer
	if name == "-" {
		var err error
		if in, err = f.StandardInput(); err != nil {
			return nil, err
		}
	} else {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		if info, err := file.Stat(); err == nil {
			switch {
			case info.IsDir():
				return nil, &FolderError{name}
			case info.Size() > limit:
				return nil, &LargeError{name, limit}
			}
			room.Grow(int(info.Size()) + bytes.MinRead) // so that it need not grow
		}
		in = file
	}
	if _, err := room.ReadFrom(io.LimitReader(in, limit+1)); err != nil {
		return nil, err
	}
	if int64(room.Len()) > limit {
		return nil, &LargeError{name, limit}
	}
	return room.Bytes(), nil
}

// Evidence reads a file of evidence. One that is too large is an [*InvalidError].
func (f *Files) Evidence(name string) ([]byte, error) {
	data, err := f.Read(name, evidence.MaxSize)
	var large *LargeError
	if errors.As(err, &large) {
		return nil, &InvalidError{Err: err}
	}
	return data, err
}

package remote

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"syscall"

	"gitlauncher/gitpin/fetch/bundle"
	"gitlauncher/gitpin/fetch/uploadpack"
)

// Bundle is a repository in one file, as `git bundle create` writes it. It needs no git on
// this machine. What it has is one pack of everything, whatever is asked for.
type Bundle struct {
	file *os.File
	from *bufio.Reader
}

// isFile reports whether a path leads to a regular file: a bundle, where git would take
// one for a repository.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func openBundle(ctx context.Context, path string, alive *Pulse) (*Bundle, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // what was a file may be a pipe by now
	if err != nil {
		return nil, &bundle.Error{What: "can't be opened: " + cause(err)}
	}
	return &Bundle{file, bufio.NewReaderSize(alive.reader(&ending{ctx, file}), 64<<10)}, nil
}

// cause is an error of the disk without the path, which the address has.
func cause(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return err.Error()
}

// ending ends with its context, and says of the disk's errors that they are the bundle's.
type ending struct {
	ctx  context.Context
	file *os.File
}

func (e *ending) Read(p []byte) (int, error) {
	if e.ctx.Err() != nil {
		return 0, context.Cause(e.ctx)
	}
	n, err := e.file.Read(p)
	if err != nil && err != io.EOF {
		err = &bundle.Error{What: "can't be read: " + cause(err)}
	}
	return n, err
}

// References reads the header.
func (b *Bundle) References(name string) (*uploadpack.References, error) {
	return bundle.ReadHeader(b.from, name)
}

// Ask returns the pack, which stands behind the references.
func (b *Bundle) Ask(*uploadpack.Request) (io.Reader, error) { return b.from, nil }

// Ended says of an end of the bytes that it is the bundle's: waiting mends none.
func (b *Bundle) Ended(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &bundle.Error{What: "is cut off"}
	}
	return err
}

// Close closes the file.
func (b *Bundle) Close() error { return b.file.Close() }

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
// this machine. Whatever is asked for, the answer is the file's one pack.
type Bundle struct {
	file *os.File
	from *bufio.Reader
}

// isFile reports whether a path leads to a regular file. Git, too, takes such a file for a
// bundle.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func openBundle(ctx context.Context, path string, alive *Pulse) (*Bundle, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // the file may be a pipe by now
	if err != nil {
		return nil, &bundle.Error{What: "can't be opened: " + cause(err)}
	}
	return &Bundle{file, bufio.NewReaderSize(alive.reader(&bundleFile{ctx, file}), 64<<10)}, nil
}

// cause returns the text of a disk's error without the path, which the address has.
func cause(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return err.Error()
}

// bundleFile is a reader that ends with its context. It returns errors of the disk as errors
// of the bundle.
type bundleFile struct {
	ctx  context.Context
	file *os.File
}

func (f *bundleFile) Read(p []byte) (int, error) {
	if f.ctx.Err() != nil {
		return 0, context.Cause(f.ctx)
	}
	n, err := f.file.Read(p)
	if err != nil && err != io.EOF {
		err = &bundle.Error{What: "can't be read: " + cause(err)}
	}
	return n, err
}

// References reads the header.
func (b *Bundle) References(name string) (*uploadpack.References, error) {
	return bundle.ReadHeader(b.from, name)
}

// Ask returns the pack, which follows the references.
func (b *Bundle) Ask(*uploadpack.Request) (io.Reader, error) { return b.from, nil }

// Ended returns an early end of the bytes as a fault of the bundle, which does not go away.
func (b *Bundle) Ended(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &bundle.Error{What: "is cut off"}
	}
	return err
}

// Close closes the file.
func (b *Bundle) Close() error { return b.file.Close() }

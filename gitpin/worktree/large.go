package worktree

import (
	"os"

	"golang.org/x/sys/unix"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/proof"
)

// largeName is the name of a large file until its path is known. There is at most one at a
// time.
const largeName = ".git/large"

// largeFile is a file that has no path yet.
type largeFile struct {
	writer *Writer
	out    fdWriter
}

// Begin implements [proof.Writer].
func (w *Writer) Begin() (proof.Unplaced, error) {
	l := &largeFile{writer: w}
	err := w.dirs.use(func(d *dirs) error {
		fd, err := openat(d.fd, largeName, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0o644)
		l.out = fdWriter(fd)
		return err
	})
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: largeName, Err: err}
	}
	return l, nil
}

// Write adds to the file.
func (l *largeFile) Write(b []byte) (int, error) {
	if _, err := l.out.Write(b); err != nil {
		return 0, &os.PathError{Op: "write", Path: largeName, Err: err}
	}
	return len(b), nil
}

// Place moves the file to its path.
func (l *largeFile) Place(path string, mode object.Mode) (int32, error) {
	err := l.writer.dirs.use(func(d *dirs) error {
		dir, name := splitPath(path)
		fd, err := d.at(dir)
		if err == nil {
			err = unix.Renameat(d.fd, largeName, fd, name)
		}
		return onPath("rename", path, err)
	})
	if err != nil {
		unix.Close(int(l.out))
		return 0, err
	}
	var st unix.Stat_t
	if err := onPath("write", path, finish(int(l.out), mode, &st)); err != nil {
		return 0, err
	}
	return l.writer.note(&st), nil
}

// Drop removes the file. If that fails, it is removed later with its directory.
func (l *largeFile) Drop() {
	unix.Close(int(l.out))
	l.writer.dirs.use(func(d *dirs) error { return unix.Unlinkat(d.fd, largeName, 0) })
}

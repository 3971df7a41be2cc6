package worktree

import (
	"bufio"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/proof"
)

// Writer makes files in an empty directory. It is a [proof.Writer].
type Writer struct {
	dirs pool[*dirs]

	mu    sync.Mutex
	stats []Stat // of the files, by number
}

// NewWriter returns a writer for the directory root. It must be closed.
func NewWriter(root *os.Root) *Writer {
	w := &Writer{}
	w.dirs.fresh = func() (*dirs, error) { return newDirs(root, true) }
	w.dirs.close = (*dirs).close
	return w
}

// Close closes all directories.
func (w *Writer) Close() { w.dirs.drain() }

// Stats returns the stat data of files that were made; zeros for a gitlink, as in Git's
// index.
func (w *Writer) Stats(files []proof.File) []Stat {
	w.mu.Lock()
	defer w.mu.Unlock()
	stats := make([]Stat, len(files))
	for i := range files {
		if n := files[i].Number; n != proof.NotMade {
			stats[i] = w.stats[n]
		}
	}
	return stats
}

// note keeps the stat data of a new file, and returns the file's number.
func (w *Writer) note(st *unix.Stat_t) (number int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stats = append(w.stats, statOf(st))
	return int32(len(w.stats) - 1)
}

// Write makes a file of content.
func (w *Writer) Write(path string, mode object.Mode, content []byte) (int32, error) {
	return w.file(path, mode, func(out fdWriter) error {
		_, err := out.Write(content)
		return err
	})
}

// Stream makes a file of what fill writes.
func (w *Writer) Stream(path string, mode object.Mode, fill func(io.Writer) error) (int32, error) {
	return w.file(path, mode, func(out fdWriter) error {
		buf := bufio.NewWriterSize(out, 256<<10)
		if err := fill(buf); err != nil {
			return err
		}
		return buf.Flush()
	})
}

// Age makes a file older than Git's index will be (see older), and returns its stat data.
func (w *Writer) Age(path string) (stat Stat, err error) {
	err = w.in(path, func(dir int, name string) error {
		var st unix.Stat_t
		if err := fstatat(dir, name, &st); err != nil {
			return err
		}
		if err := setTime(dir, name, st.Mtim.Nano()-older); err != nil {
			return err
		}
		err := fstatat(dir, name, &st)
		stat = statOf(&st)
		return err
	})
	return stat, err
}

// Symlink makes a symbolic link.
func (w *Writer) Symlink(path string, target []byte) (number int32, err error) {
	err = w.in(path, func(dir int, name string) error {
		var st unix.Stat_t
		err := unix.Symlinkat(string(target), dir, name)
		if err == nil {
			err = fstatat(dir, name, &st)
		}
		if err == nil {
			number = w.note(&st)
		}
		return err
	})
	return number, err
}

// Folder makes an empty directory.
func (w *Writer) Folder(path string) error {
	return w.dirs.use(func(d *dirs) error {
		_, err := d.at(path)
		return err
	})
}

// in calls do with the directory of a path and the name in it. Errors of the disk are
// *[os.PathError].
func (w *Writer) in(path string, do func(dir int, name string) error) error {
	return w.dirs.use(func(d *dirs) error {
		dir, name := splitPath(path)
		fd, err := d.at(dir)
		if err != nil {
			return err
		}
		return onPath("write", path, do(fd, name))
	})
}

// file makes one file and the directories above it, with exactly its mode.
func (w *Writer) file(path string, mode object.Mode, fill func(fdWriter) error) (number int32, err error) {
	err = w.in(path, func(dir int, name string) error {
		fd, err := openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, permissions(mode))
		if err != nil {
			return err
		}
		if err := fill(fdWriter(fd)); err != nil {
			unix.Close(fd)
			return err
		}
		var st unix.Stat_t
		if err := finish(fd, mode, &st); err != nil {
			return err
		}
		number = w.note(&st)
		return nil
	})
	return number, err
}

// permissions returns the permissions of a file on disk.
func permissions(m object.Mode) uint32 {
	if m == object.ModeExec {
		return 0o755
	}
	return 0o644
}

// finish makes a written file have exactly its mode, and closes it.
func finish(fd int, mode object.Mode, st *unix.Stat_t) error {
	err := unix.Fstat(fd, st)
	if perm := permissions(mode); err == nil && st.Mode&0o7777 != perm { // because of the umask or a default ACL
		if err = unix.Fchmod(fd, perm); err == nil {
			err = unix.Fstat(fd, st)
		}
	}
	if cerr := unix.Close(fd); err == nil {
		err = cerr
	}
	return err
}

// fdWriter writes to an open file.
type fdWriter int

func (fd fdWriter) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		n, err := unix.Write(int(fd), b[done:])
		if err != nil && err != unix.EINTR {
			return done, err
		}
		done += max(n, 0)
	}
	return done, nil
}

// onPath adds operation and path to an error number of the system.
func onPath(op, path string, err error) error {
	if errno, ok := err.(unix.Errno); ok {
		return &os.PathError{Op: op, Path: path, Err: errno}
	}
	return err
}

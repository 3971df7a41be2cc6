package gitpin

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// fileStat is what Git's index keeps of a file to see that it did not change.
type fileStat struct {
	ctime, mtime   unix.Timespec
	dev, ino       uint64
	uid, gid, size uint32
}

func statOf(s *unix.Stat_t) fileStat {
	return fileStat{ctime: s.Ctim, mtime: s.Mtim, dev: s.Dev, ino: s.Ino, uid: s.Uid, gid: s.Gid, size: uint32(s.Size)}
}

// writer makes files in a directory of our own, which was empty. Everything goes
// through dirs, so that no name can lead out of it.
type writer struct {
	limit int64        // bytes of all files together
	left  atomic.Int64 // of limit
	dirs  pool[*dirs]
}

func newWriter(root *os.Root, limit int64) *writer {
	w := &writer{limit: limit}
	w.left.Store(limit)
	w.dirs.fresh = func() (*dirs, error) { return newDirs(root, true) }
	w.dirs.close = (*dirs).close
	return w
}

func (w *writer) close() { w.dirs.drain() }

// spend counts bytes on their way to the disk.
func (w *writer) spend(n int) error {
	if w.left.Add(-int64(n)) < 0 {
		return &pack.LimitError{What: "tree", Limit: w.limit}
	}
	return nil
}

// small makes a file of a content that is in memory.
func (w *writer) small(path string, mode object.Mode, content []byte) (File, error) {
	if mode == object.ModeSymlink {
		return w.symlink(path, content)
	}
	f := File{Path: path, Mode: mode, SHA256: sumOf(content), LFS: isLFS(content)}
	var err error
	f.stat, err = w.file(path, mode, func(out fdWriter) error {
		if err := w.spend(len(content)); err != nil {
			return err
		}
		_, err := out.Write(content)
		return err
	})
	return f, err
}

// stored makes a file of a content in the kept pack.
func (w *writer) stored(ctx context.Context, a *pack.Archive, e *pack.Entry, path string, mode object.Mode) (File, error) {
	if mode == object.ModeSymlink {
		var target bytes.Buffer
		short := &capped{&target, maxPath}
		if err := a.WriteTo(ctx, e, short); err != nil {
			if short.n < 0 { // no link can be that long
				err = checkTarget(path, nil)
			}
			return File{}, err
		}
		return w.symlink(path, target.Bytes())
	}
	return w.stream(path, mode, func(to io.Writer) error { return a.WriteTo(ctx, e, to) })
}

// stream makes a file of what fill writes.
func (w *writer) stream(path string, mode object.Mode, fill func(io.Writer) error) (File, error) {
	f := File{Path: path, Mode: mode}
	sum := newSum()
	head := &header{}
	var err error
	f.stat, err = w.file(path, mode, func(out fdWriter) error {
		buf := bufio.NewWriterSize(out, 256<<10)
		if err := fill(io.MultiWriter(spender{w}, buf, sum, head)); err != nil {
			return err
		}
		return buf.Flush()
	})
	f.SHA256 = [sha256.Size]byte(sum.Sum(nil))
	f.LFS = isLFS(head.b)
	return f, err
}

// spender counts what is written to it.
type spender struct{ *writer }

func (s spender) Write(b []byte) (int, error) {
	if err := s.spend(len(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// gitlink makes a submodule's place, which is an empty directory.
func (w *writer) gitlink(path string) error {
	return w.dirs.use(func(d *dirs) error {
		_, err := d.at(path)
		return err
	})
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

// in calls do with the directory of a path and the name there. Errors of the disk
// are *os.PathError.
func (w *writer) in(path string, do func(dir int, name string) error) error {
	return w.dirs.use(func(d *dirs) error {
		dir, name := splitPath(path)
		fd, err := d.at(dir)
		if err != nil {
			return err
		}
		return onPath("write", path, do(fd, name))
	})
}

// onPath gives a bare error of the system the path that it happened on.
func onPath(op, path string, err error) error {
	if errno, ok := err.(unix.Errno); ok {
		return &os.PathError{Op: op, Path: path, Err: errno}
	}
	return err
}

// file makes one file, its parents included, with exactly its mode.
func (w *writer) file(path string, mode object.Mode, fill func(fdWriter) error) (fileStat, error) {
	var st unix.Stat_t
	err := w.in(path, func(dir int, name string) error {
		fd, err := openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, permissions(mode))
		if err != nil {
			return err
		}
		if err := fill(fdWriter(fd)); err != nil {
			unix.Close(fd)
			return err
		}
		return finish(fd, mode, &st)
	})
	return statOf(&st), err
}

// permissions are those of a file on disk.
func permissions(m object.Mode) uint32 {
	if m == object.ModeExec {
		return 0o755
	}
	return 0o644
}

// finish gives a written file exactly its mode and closes it.
func finish(fd int, mode object.Mode, st *unix.Stat_t) error {
	err := unix.Fstat(fd, st)
	if perm := permissions(mode); err == nil && st.Mode&0o7777 != perm { // the umask, or a default ACL
		if err = unix.Fchmod(fd, perm); err == nil {
			err = unix.Fstat(fd, st)
		}
	}
	if cerr := unix.Close(fd); err == nil {
		err = cerr
	}
	return err
}

func (w *writer) symlink(path string, target []byte) (File, error) {
	if err := checkTarget(path, target); err != nil {
		return File{}, err
	}
	var st unix.Stat_t
	err := w.in(path, func(dir int, name string) error {
		if err := unix.Symlinkat(string(target), dir, name); err != nil {
			return err
		}
		return fstatat(dir, name, &st)
	})
	return File{Path: path, Mode: object.ModeSymlink, SHA256: sumOf(target), stat: statOf(&st)}, err
}

// checkTarget refuses what can't be a symbolic link's target at all. Where it
// leads is the workload's affair.
func checkTarget(name string, target []byte) error {
	if len(target) == 0 || len(target) > maxPath || bytes.IndexByte(target, 0) >= 0 {
		return &object.TreeError{Name: name, Reason: "is a symbolic link whose target no link can have"}
	}
	return nil
}

// capped takes up to n bytes more.
type capped struct {
	w io.Writer
	n int
}

func (c *capped) Write(p []byte) (int, error) {
	if c.n -= len(p); c.n < 0 {
		return 0, io.ErrShortWrite
	}
	return c.w.Write(p)
}

// header keeps the first bytes that are written to it.
type header struct{ b []byte }

func (h *header) Write(p []byte) (int, error) {
	if room := len(lfsPrefix) - len(h.b); room > 0 {
		h.b = append(h.b, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

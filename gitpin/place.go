package gitpin

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"syscall"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// placer brings proven contents and the disk together. There are two: writer
// makes the files, and checker (reuse.go) compares them with what is there.
type placer interface {
	// stored takes a content from the kept pack.
	stored(ctx context.Context, a *pack.Archive, e *pack.Entry, path string, mode object.Mode) (File, error)
	// gitlink takes a submodule, which is an empty directory.
	gitlink(path string) error
}

// fileStat is what Git's index keeps of a file to see that it did not change.
type fileStat struct {
	ctime, mtime   syscall.Timespec
	dev, ino       uint64
	uid, gid, size uint32
	osMode         uint32
}

func statOf(info fs.FileInfo) fileStat {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileStat{}
	}
	return fileStat{ctime: s.Ctim, mtime: s.Mtim, dev: uint64(s.Dev), ino: s.Ino, uid: s.Uid, gid: s.Gid, size: uint32(s.Size), osMode: s.Mode}
}

// writer makes files in a directory of our own, which was empty. Everything goes
// through an os.Root, so that no name can lead out of it.
type writer struct {
	root  *os.Root
	limit int64         // bytes of all files together
	left  *atomic.Int64 // of limit
}

// spend counts bytes on their way to the disk.
func (w writer) spend(n int) error {
	if w.left.Add(-int64(n)) < 0 {
		return &pack.LimitError{What: "tree", Limit: w.limit}
	}
	return nil
}

// Write counts what stored copies.
func (w writer) Write(b []byte) (int, error) {
	if err := w.spend(len(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// small makes a file of a content that is in memory.
func (w writer) small(path string, mode object.Mode, content []byte) (File, error) {
	if mode == object.ModeSymlink {
		return w.symlink(path, content)
	}
	f := File{Path: path, Mode: mode, SHA256: sha256.Sum256(content), LFS: isLFS(content)}
	var err error
	f.stat, err = w.file(path, mode, func(out *os.File) error {
		if err := w.spend(len(content)); err != nil {
			return err
		}
		_, err := out.Write(content)
		return err
	})
	return f, err
}

func (w writer) stored(ctx context.Context, a *pack.Archive, e *pack.Entry, path string, mode object.Mode) (File, error) {
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
	f := File{Path: path, Mode: mode}
	sum := sha256.New()
	head := &header{}
	var err error
	f.stat, err = w.file(path, mode, func(out *os.File) error {
		buf := bufio.NewWriterSize(out, 256<<10)
		if err := a.WriteTo(ctx, e, io.MultiWriter(w, buf, sum, head)); err != nil {
			return err
		}
		return buf.Flush()
	})
	f.SHA256 = [sha256.Size]byte(sum.Sum(nil))
	f.LFS = isLFS(head.b)
	return f, err
}

func (w writer) gitlink(path string) error {
	return w.parents(path + "/.")
}

// file makes one file, its parents included, with exactly its mode.
func (w writer) file(path string, mode object.Mode, fill func(*os.File) error) (fileStat, error) {
	perm := fs.FileMode(0o644)
	if mode == object.ModeExec {
		perm = 0o755
	}
	f, err := w.create(path, perm)
	if err != nil {
		return fileStat{}, err
	}
	err = fill(f)
	var info fs.FileInfo
	if err == nil {
		info, err = f.Stat()
	}
	if err == nil && info.Mode() != perm { // the umask, or a default ACL
		if err = f.Chmod(perm); err == nil {
			info, err = f.Stat()
		}
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fileStat{}, err
	}
	return statOf(info), nil
}

func (w writer) create(name string, perm fs.FileMode) (*os.File, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := w.root.OpenFile(name, flags, perm)
	if errors.Is(err, fs.ErrNotExist) {
		if err := w.parents(name); err != nil {
			return nil, err
		}
		f, err = w.root.OpenFile(name, flags, perm)
	}
	return f, err
}

// parents makes the directories above name, each with exactly mode 0755.
func (w writer) parents(name string) error {
	dir, _ := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	if dir == "" {
		return nil
	}
	err := w.root.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrNotExist) {
		if err := w.parents(dir); err != nil {
			return err
		}
		err = w.root.Mkdir(dir, 0o755)
	}
	if errors.Is(err, fs.ErrExist) { // another worker was faster
		return nil
	}
	if err != nil {
		return err
	}
	info, err := w.root.Lstat(dir)
	if err == nil && info.Mode().Perm() != 0o755 {
		err = w.root.Chmod(dir, 0o755)
	}
	return err
}

func (w writer) symlink(name string, target []byte) (File, error) {
	if err := checkTarget(name, target); err != nil {
		return File{}, err
	}
	err := w.root.Symlink(string(target), name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := w.parents(name); err != nil {
			return File{}, err
		}
		err = w.root.Symlink(string(target), name)
	}
	if err != nil {
		return File{}, err
	}
	info, err := w.root.Lstat(name)
	if err != nil {
		return File{}, err
	}
	return File{Path: name, Mode: object.ModeSymlink, SHA256: sha256.Sum256(target), stat: statOf(info)}, nil
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

package gitpin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// errWorktree says that the files on disk are not the proven tree.
var errWorktree = errors.New("the checkout on disk is not the proven tree")

// checker compares what is in WORK_DIR with the proven tree: names, kinds, modes,
// owners and every byte. Everything it can't vouch for is errWorktree.
type checker struct {
	inside  bool // the control directory lies in WORK_DIR
	maxSize int64
	now     time.Time
	uid     uint32
	workers pool[*checkWorker]
}

// checkWorker is what one worker has at hand.
type checkWorker struct {
	*checker
	dirs   *dirs
	hasher *object.Hasher
	sum    hash.Hash
	block  []byte
	put    *pack.Putter // nil where no pack is made or compared
}

func newChecker(p *Params, root *os.Root, inside bool) *checker {
	c := &checker{inside: inside, maxSize: p.MaxTreeBytes, now: p.Now(), uid: uint32(os.Geteuid())}
	c.workers.fresh = func() (*checkWorker, error) {
		d, err := newDirs(root, false)
		return &checkWorker{checker: c, dirs: d, hasher: p.Hasher(), sum: newSum(), block: make([]byte, pack.BlockSize+1)}, err
	}
	c.workers.close = func(w *checkWorker) { w.dirs.close() }
	return c
}

func (c *checker) close() { c.workers.drain() }

func wrong(path, why string) error {
	return fmt.Errorf("%w: %.200q %s", errWorktree, path, why)
}

// diskError sorts an error of the disk: a path that does not lead where it should
// is a changed checkout.
func diskError(path string, err error) error {
	if notThere(err) || errors.Is(err, unix.EACCES) { // all that is proven is open to its owner
		return wrong(path, "is missing, or is not what it should be")
	}
	return onPath("check", path, err)
}

// layout demands that WORK_DIR holds the proven directories and names, each of its
// kind, and nothing else. It gives the files' sizes, which prove nothing yet.
func (c *checker) layout(ctx context.Context, folders []folder, files []File) ([]int64, error) {
	sizes := make([]int64, len(files))
	err := parallel(ctx, len(folders), func(_ context.Context, i int) error {
		return c.workers.use(func(w *checkWorker) error { return w.folder(&folders[i], files, sizes) })
	})
	if err != nil {
		return nil, err
	}
	left := c.maxSize
	for i, size := range sizes {
		if left -= size; size < 0 || left < 0 {
			return nil, wrong(files[i].Path, "makes the checkout larger than a tree may be")
		}
	}
	return sizes, nil
}

func (w *checkWorker) folder(d *folder, files []File, sizes []int64) error {
	fd, err := w.dirs.at(d.path)
	if err != nil {
		return diskError(d.path, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return diskError(d.path, err)
	}
	top := d.path == ""
	if !(top && w.inside) { // a mount point's mode is the mounter's
		if err := w.owned(d.path, &st, 0o755); err != nil {
			return err
		}
	}
	if w.hasAttributes(fd) {
		return wrong(d.path, "has access rules or attributes of its own")
	}
	if !(top && w.inside) { // whose times the swap sets
		if err := w.touch(fd, "."); err != nil {
			return diskError(d.path, err)
		}
	}
	want := d.names
	if top {
		want = append(slices.Clone(want), ".git")
		if w.inside {
			want = append(want, insideName)
		}
		slices.Sort(want)
	}
	there, err := dirNames(fd)
	if err != nil {
		return diskError(d.path, err)
	}
	if !slices.Equal(there, want) {
		return wrong(d.path, "holds more or less than it should")
	}
	for _, i := range d.files {
		_, name := splitPath(files[i].Path)
		if err := fstatat(fd, name, &st); err != nil {
			return diskError(files[i].Path, err)
		}
		if st.Mode&unix.S_IFMT != kind(files[i].Mode) {
			return wrong(files[i].Path, "is another kind of file")
		}
		if files[i].Mode != object.ModeGitlink { // that is a folder of its own
			sizes[i] = st.Size
		}
	}
	return nil
}

// kind is a mode's file type on disk.
func kind(m object.Mode) uint32 {
	switch m {
	case object.ModeSymlink:
		return unix.S_IFLNK
	case object.ModeGitlink:
		return unix.S_IFDIR
	}
	return unix.S_IFREG
}

func fstatat(at int, name string, st *unix.Stat_t) error {
	return unix.Fstatat(at, name, st, unix.AT_SYMLINK_NOFOLLOW)
}

// dirNames reads the names in a directory, sorted.
func dirNames(fd int) ([]string, error) {
	if _, err := unix.Seek(fd, 0, 0); err != nil {
		return nil, err
	}
	var names []string
	buf := make([]byte, 8<<10)
	for {
		n, err := unix.ReadDirent(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		if n <= 0 {
			slices.Sort(names)
			return names, nil
		}
		_, _, names = unix.ParseDirent(buf[:n], -1, names)
	}
}

// owned demands mode and owner; setuid and the like are part of the mode.
func (c *checker) owned(p string, st *unix.Stat_t, perm uint32) error {
	if st.Uid != c.uid || st.Mode&0o7777 != perm {
		return wrong(p, "has another mode or owner")
	}
	return nil
}

// hasAttributes reports extended attributes that grant rights, or that the last run
// could have left a message in.
func (w *checkWorker) hasAttributes(fd int) bool {
	n, err := unix.Flistxattr(fd, w.block[:4<<10])
	if errors.Is(err, unix.ENOTSUP) {
		return false
	}
	if err != nil {
		return true
	}
	for name := range bytes.SplitSeq(w.block[:n], []byte{0}) {
		if string(name) == "security.capability" || bytes.HasPrefix(name, []byte("user.")) || bytes.HasPrefix(name, []byte("system.posix_acl_")) {
			return true
		}
	}
	return false
}

// contents demands that every file has the proven content, and that the stored pack
// of it all, if one is wanted, is in its file afterwards: written or compared. After
// it the files have all that File tells.
func (c *checker) contents(ctx context.Context, files []File, sizes []int64, f *form) error {
	group, gctx := errgroup.WithContext(ctx)
	var sum [object.Size]byte
	early := f != nil && f.Compares()
	if early { // what is compared is there already
		group.Go(func() (err error) { sum, err = f.Sum(gctx); return err })
	}
	group.Go(func() error {
		if f != nil {
			put := f.Putter()
			for i, content := range f.meta {
				if err := put.Put(i, content); err != nil {
					return err
				}
			}
		}
		return parallel(gctx, len(files), func(_ context.Context, i int) error {
			if files[i].Mode == object.ModeGitlink { // layout saw the directory
				return nil
			}
			return c.workers.use(func(w *checkWorker) error { return w.file(&files[i], sizes[i], f, i) })
		})
	})
	err := group.Wait()
	if err != nil || f == nil {
		return err
	}
	if !early {
		if sum, err = f.Sum(ctx); err != nil {
			return err
		}
	}
	return f.Finish(sum)
}

// file checks one file whose kind and size layout saw.
func (w *checkWorker) file(f *File, size int64, to *form, i int) error {
	dir, name := splitPath(f.Path)
	fd, err := w.dirs.at(dir)
	if err != nil {
		return diskError(f.Path, err)
	}
	put := w.putter(to, i)
	if f.Mode == object.ModeSymlink {
		return w.link(fd, name, f, size, put)
	}
	return w.regular(fd, name, f, size, put)
}

// putter begins the blob of file i in a pack; nil if it has no place there.
func (w *checkWorker) putter(to *form, i int) *pack.Putter {
	if to == nil || to.at[i] < 0 {
		return nil
	}
	if w.put == nil {
		w.put = to.Putter()
	}
	w.put.Begin(to.at[i])
	return w.put
}

func (w *checkWorker) regular(at int, name string, f *File, size int64, put *pack.Putter) error {
	fd, err := openat(at, name, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return diskError(f.Path, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return diskError(f.Path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink != 1 || st.Size != size || w.hasAttributes(fd) {
		return wrong(f.Path, "is not a plain file of its own")
	}
	if err := w.owned(f.Path, &st, permissions(f.Mode)); err != nil {
		return err
	}
	if err := w.hash(fd, f, size, put); err != nil {
		return err
	}
	if err := w.touch(at, name); err != nil {
		return diskError(f.Path, err)
	}
	if err := unix.Fstat(fd, &st); err != nil {
		return diskError(f.Path, err)
	}
	if st.Size != size {
		return wrong(f.Path, "changes while it is read")
	}
	f.stat = statOf(&st)
	return nil
}

// touch sets the time of this launch, as after a fresh checkout: one that the last
// run chose could steer a build.
func (c *checker) touch(at int, name string) error {
	now := unix.NsecToTimespec(c.now.UnixNano())
	return unix.UtimesNanoAt(at, name, []unix.Timespec{now, now}, unix.AT_SYMLINK_NOFOLLOW)
}

// hash reads a file of that size, block by block, and demands that its id is the
// proven one.
func (w *checkWorker) hash(fd int, f *File, size int64, put *pack.Putter) error {
	w.hasher.Begin(object.Blob, size)
	w.sum.Reset()
	for left := size; ; {
		b := w.block[:min(left, pack.BlockSize)]
		if err := readFull(fd, b); err != nil {
			return diskError(f.Path, err)
		}
		if left == size {
			f.LFS = isLFS(b)
		}
		w.hasher.Write(b)
		w.sum.Write(b)
		if put != nil {
			if err := put.Block(b); err != nil {
				return err
			}
		}
		if left -= int64(len(b)); left == 0 {
			break
		}
	}
	if id, err := w.hasher.ID(); err != nil || id != f.ID {
		return wrong(f.Path, "has other content")
	}
	f.SHA256 = [sha256.Size]byte(w.sum.Sum(nil))
	return nil
}

// readFull fills b from a file; a file that ends before is missing something.
func readFull(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Read(fd, b)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n == 0:
			return unix.ENOENT
		default:
			b = b[n:]
		}
	}
	return nil
}

func (w *checkWorker) link(at int, name string, f *File, size int64, put *pack.Putter) error {
	n, err := unix.Readlinkat(at, name, w.block)
	if err != nil {
		return diskError(f.Path, err)
	}
	target := w.block[:n]
	if id, err := w.hasher.Sum(object.Blob, target); err != nil || id != f.ID || int64(n) != size {
		return wrong(f.Path, "leads elsewhere")
	}
	if put != nil {
		if err := put.Block(target); err != nil {
			return err
		}
	}
	if err := w.touch(at, name); err != nil {
		return diskError(f.Path, err)
	}
	var st unix.Stat_t
	if err := fstatat(at, name, &st); err != nil {
		return diskError(f.Path, err)
	}
	f.SHA256, f.stat = sumOf(target), statOf(&st)
	return nil
}

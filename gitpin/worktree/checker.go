package worktree

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"gitlauncher/gitpin/lfs"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/stored"
	"gitlauncher/gitpin/proof"
	"gitlauncher/internal/parallel"
)

// ErrChanged says that the files on disk are not the proven tree.
var ErrChanged = errors.New("the checkout on disk is not the proven tree")

// CheckParams says what to check.
type CheckParams struct {
	Root      *os.Root
	Beside    []string  // names in the root that are not the tree's, and are not checked
	MountRoot bool      // the root is that of a mount, whose mode and times are the mounter's
	LFS       bool      // the contents of Git LFS files must be there, instead of their pointers
	MaxBytes  int64     // of all files together
	Now       time.Time // becomes the time of every file
	NewHasher func() *object.Hasher
}

// Checker compares the files in a directory with a proven tree: names, kinds, modes, owners
// and every byte. If they differ, or it can't tell, the error is [ErrChanged].
type Checker struct {
	params  CheckParams
	uid     uint32
	workers pool[*checkWorker]
}

// checkWorker has what one worker needs.
type checkWorker struct {
	checker *Checker
	dirs    *dirs
	hasher  *object.Hasher
	sum     hash.Hash
	block   []byte
	put     *stored.Putter // nil if no pack is written or compared
	named   *lfs.Pointer   // the pointer that the tree is known to have for the current file, or nil
}

// NewChecker returns a checker, which must be closed.
func NewChecker(p CheckParams) *Checker {
	c := &Checker{params: p, uid: uint32(os.Geteuid())}
	c.workers.fresh = func() (*checkWorker, error) {
		d, err := newDirs(p.Root, false)
		return &checkWorker{checker: c, dirs: d, hasher: p.NewHasher(), sum: proof.NewSum(), block: make([]byte, stored.BlockSize+1)}, err
	}
	c.workers.close = func(w *checkWorker) { w.dirs.close() }
	return c
}

// Close closes all directories.
func (c *Checker) Close() { c.workers.drain() }

func wrong(path, why string) error {
	return fmt.Errorf("%w: %.200q %s", ErrChanged, path, why)
}

// diskError classifies an error of the disk. A path that leads to nothing, or to something
// else, is a changed checkout. So is one without permission, since a launcher's own files
// are open to their owner.
func diskError(path string, err error) error {
	if notThere(err) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
		return wrong(path, "is missing, or is not what it should be")
	}
	return onPath("check", path, err)
}

// Layout requires that the directories and names of the tree are there, each of its kind,
// and no others. It returns the files' sizes in bytes, which prove nothing yet. Errors are
// [ErrChanged] and those of the disk.
func (c *Checker) Layout(ctx context.Context, tree *proof.Tree) ([]int64, error) {
	sizes := make([]int64, len(tree.Files))
	err := parallel.Do(ctx, len(tree.Folders), func(_ context.Context, i int) error {
		return c.workers.use(func(w *checkWorker) error { return w.folder(&tree.Folders[i], tree.Files, sizes) })
	})
	if err != nil {
		return nil, err
	}
	left := c.params.MaxBytes
	for i, size := range sizes {
		if left -= size; size < 0 || left < 0 {
			return nil, wrong(tree.Files[i].Path, "makes the checkout larger than a tree may be")
		}
	}
	return sizes, nil
}

func (w *checkWorker) folder(d *proof.Folder, files []proof.File, sizes []int64) error {
	if d.Empty || d.Placed {
		return nil // Git does not make it, or it is checked as a tree of its own
	}
	fd, err := w.dirs.at(d.Path)
	if err != nil {
		return diskError(d.Path, err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return diskError(d.Path, err)
	}
	top := d.Path == ""
	mounters := top && w.checker.params.MountRoot
	if !mounters {
		if err := w.checker.owned(d.Path, &st, 0o755); err != nil {
			return err
		}
	}
	if hasAttributes(fd, w.block, mounters) {
		return wrong(d.Path, "has access rules or attributes of its own")
	}
	if !mounters {
		if err := w.checker.touch(fd, "."); err != nil {
			return diskError(d.Path, err)
		}
	}
	want := d.Names
	if top {
		want = slices.Sorted(slices.Values(slices.Concat(want, w.checker.params.Beside)))
	}
	there, err := dirNames(fd)
	if err != nil {
		return diskError(d.Path, err)
	}
	if !slices.Equal(there, want) {
		return wrong(d.Path, "holds more or less than it should")
	}
	for _, i := range d.Files {
		_, name := splitPath(files[i].Path)
		if err := fstatat(fd, name, &st); err != nil {
			return diskError(files[i].Path, err)
		}
		if st.Mode&unix.S_IFMT != kind(files[i].Mode) {
			return wrong(files[i].Path, "is another kind of file")
		}
		if files[i].Mode != object.ModeGitlink { // a gitlink is a folder
			sizes[i] = st.Size
		}
	}
	return nil
}

// kind returns a mode's file type on disk.
func kind(m object.Mode) uint32 {
	switch m {
	case object.ModeSymlink:
		return unix.S_IFLNK
	case object.ModeGitlink:
		return unix.S_IFDIR
	}
	return unix.S_IFREG
}

// dirNames returns the names in a directory, sorted.
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

// owned requires the permissions perm, without setuid and the like, and the launcher as owner.
func (c *Checker) owned(p string, st *unix.Stat_t, perm uint32) error {
	if st.Uid != c.uid || st.Mode&0o7777 != perm {
		return wrong(p, "has another mode or owner")
	}
	return nil
}

// touch sets the time of a file to that of this launch, as after a fresh checkout. A time
// that the last run chose could steer a build.
func (c *Checker) touch(at int, name string) error {
	return setTime(at, name, c.params.Now.UnixNano())
}

// older is how much older than all other files the placed contents of Git LFS files are, in
// nanoseconds. Git hashes a file again if it is as new as the index. Without git-lfs it
// would then take the content for a change of the pointer.
const older = 2e9

func setTime(at int, name string, nanoseconds int64) error {
	now := unix.NsecToTimespec(nanoseconds)
	return unix.UtimesNanoAt(at, name, []unix.Timespec{now, now}, unix.AT_SYMLINK_NOFOLLOW)
}

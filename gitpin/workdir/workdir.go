package gitpin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// insideName is the control directory's name where it lies inside WORK_DIR.
const insideName = ".git-launcher"

// The names in the control directory.
const (
	lockName   = "lock"
	newName    = "new"    // the checkout in the making
	oldName    = "old"    // the one before, on its way out
	originName = "origin" // the REPO_URL whose checkout this is
	swapName   = "swap"   // there while contents are being swapped
)

// workDir is WORK_DIR and its control directory, which holds lock and staging.
// The control directory lies beside WORK_DIR, so that one rename swaps the whole;
// or inside it, where WORK_DIR is a mount point or its parent can't be written.
//
// Everything in both was writable for the workload's previous run. What is read
// here (the origin, the swap marker) decides only whether WORK_DIR may be
// replaced and how to tidy up, never what is run.
type workDir struct {
	path   string   // as in the config
	root   *os.Root // the directory that holds all of it: the parent, or WORK_DIR itself
	tree   string   // WORK_DIR, below root
	ctl    string   // the control directory, below root
	inside bool
	lock   *os.File
	stage  func(Stage)
}

// openWorkDir looks where the control directory can be, and makes the parent
// directory if need be. It touches nothing in WORK_DIR.
func openWorkDir(dir string) (*workDir, error) {
	parent, base := filepath.Split(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, err
	}
	info, err := os.Lstat(dir)
	exists := err == nil
	switch {
	case exists && info.Mode()&fs.ModeSymlink != 0:
		return nil, &OccupiedError{dir, "is a symbolic link"}
	case exists && !info.IsDir():
		return nil, &OccupiedError{dir, "is not a directory"}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if !exists || !isMount(dir) && unix.Access(parent, unix.W_OK) == nil {
		root, err := os.OpenRoot(parent)
		if err != nil {
			return nil, err
		}
		return &workDir{path: dir, root: root, tree: base, ctl: "." + base + ".git-launcher"}, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &workDir{path: dir, root: root, tree: ".", ctl: insideName, inside: true}, nil
}

// isMount reports whether a directory is the root of a mount.
func isMount(dir string) bool {
	var sx unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, dir, unix.AT_SYMLINK_NOFOLLOW, 0, &sx); err == nil &&
		sx.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0 {
		return sx.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
	}
	var own, above unix.Stat_t
	return unix.Lstat(dir, &own) == nil && unix.Lstat(filepath.Dir(dir), &above) == nil && own.Dev != above.Dev
}

func (w *workDir) inTree(name string) string { return path.Join(w.tree, name) }
func (w *workDir) inCtl(name string) string  { return path.Join(w.ctl, name) }

// acquire makes the control directory and takes the lock, waiting up to wait.
func (w *workDir) acquire(ctx context.Context, wait time.Duration, sleep func(context.Context, time.Duration) error) error {
	if err := w.makeCtl(); err != nil {
		return err
	}
	deadline := time.Now().Add(wait)
	for {
		held, err := w.tryLock()
		if err != nil || held {
			return err
		}
		if time.Now().After(deadline) {
			return &LockedError{w.path, wait}
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// makeCtl makes sure of a real control directory: whatever else has its name
// (a link to elsewhere, a file) goes.
func (w *workDir) makeCtl() error {
	info, err := w.root.Lstat(w.ctl)
	if err == nil && !info.IsDir() {
		if err := w.root.Remove(w.ctl); err != nil {
			return err
		}
	}
	if err := w.root.Mkdir(w.ctl, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making the control directory of %s: %w", w.path, err)
	}
	return w.root.Chmod(w.ctl, 0o700)
}

// tryLock takes the lock if it is free. The kernel lets go of it when the holder
// ends, however it ends; there are no stale locks.
func (w *workDir) tryLock() (bool, error) {
	name := w.inCtl(lockName)
	if info, err := w.root.Lstat(name); err == nil && !info.Mode().IsRegular() {
		err = w.remove(name)
		if err != nil {
			return false, err
		}
	} else if err == nil {
		if err := w.root.Chmod(name, 0o600); err != nil {
			return false, fmt.Errorf("opening the lock: %w", err)
		}
	}
	f, err := w.root.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return false, fmt.Errorf("opening the lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return false, nil
	}
	if err != nil {
		f.Close()
		return false, fmt.Errorf("locking: %w", err)
	}
	// Whoever held it may have removed the file that we opened.
	mine, err1 := f.Stat()
	there, err2 := w.root.Lstat(name)
	if err1 != nil || err2 != nil || !os.SameFile(mine, there) {
		f.Close()
		return false, nil
	}
	w.lock = f
	return true, f.Truncate(0) // it holds nothing, also nothing of the last run's
}

// close lets go of the lock.
func (w *workDir) close() {
	if w.lock != nil {
		w.lock.Close()
	}
	w.root.Close()
}

// tidy finishes a swap that a kill cut short and removes all debris.
func (w *workDir) tidy() error {
	if w.finishSwap() != nil {
		// Then it was forged, or the disk fails. What lies about is debris, and
		// what is in WORK_DIR now gets proven, or replaced.
		err := errors.Join(w.remove(w.inCtl(swapName)), w.remove(w.inCtl(newName)))
		if err != nil {
			return fmt.Errorf("giving up an interrupted swap: %w", err)
		}
	}
	names, err := w.names(w.ctl)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name != lockName && name != originName {
			if err := w.remove(w.inCtl(name)); err != nil {
				return fmt.Errorf("removing debris of an earlier run: %w", err)
			}
		}
	}
	return nil
}

// put writes a word of ours to the control directory. The last run may have left
// anything under that name: a link to a file that was just proven, a pipe, a
// directory. None is followed, opened or waited for.
func (w *workDir) put(name, word string) error {
	tmp := w.inCtl(name + ".tmp")
	if err := w.remove(tmp); err != nil {
		return err
	}
	f, err := w.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(word)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if info, err := w.root.Lstat(w.inCtl(name)); err == nil && info.IsDir() {
		if err := w.remove(w.inCtl(name)); err != nil {
			return err
		}
	}
	return w.root.Rename(tmp, w.inCtl(name))
}

// rename moves a name, also that of a directory which the last run made read-only:
// nobody but root may move such a one elsewhere.
func (w *workDir) rename(from, to string) error {
	w.unlock(from)
	return w.root.Rename(from, to)
}

func (w *workDir) unlock(name string) {
	if info, err := w.root.Lstat(name); err == nil && info.IsDir() && info.Mode().Perm()&0o700 != 0o700 {
		w.root.Chmod(name, 0o700) // if that fails, moving does, and says why
	}
}

func (w *workDir) names(dir string) ([]string, error) {
	f, err := w.root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// contents are the names in WORK_DIR, without the control directory; none where
// it does not exist.
func (w *workDir) contents() ([]string, error) {
	names, err := w.names(w.tree)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if w.inside {
		names = slices.DeleteFunc(names, func(n string) bool { return n == insideName })
	}
	return names, err
}

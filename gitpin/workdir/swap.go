package gitpin

import (
	"errors"
	"io/fs"
	"path"

	"golang.org/x/sys/unix"
)

// swap puts the checkout in the making in WORK_DIR's place. Beside WORK_DIR that
// is one atomic exchange; where the file system has none, two renames, of which
// finishSwap undoes the first. Inside it, see swapContents.
func (w *workDir) swap() error {
	if w.inside {
		return w.swapContents("out")
	}
	if _, err := w.root.Lstat(w.tree); errors.Is(err, fs.ErrNotExist) {
		return w.root.Rename(w.inCtl(newName), w.tree)
	}
	err := w.exchange(w.inCtl(newName), w.tree)
	if err == nil {
		return w.remove(w.inCtl(newName))
	}
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EXDEV) {
		return err
	}
	if err := w.rename(w.tree, w.inCtl(oldName)); err != nil {
		return err
	}
	if err := w.root.Rename(w.inCtl(newName), w.tree); err != nil {
		return err
	}
	return w.remove(w.inCtl(oldName))
}

// swapGit puts the .git in the making in the place of WORK_DIR's.
func (w *workDir) swapGit() error {
	made, there := w.inCtl(path.Join(newName, ".git")), w.inTree(".git")
	err := w.exchange(made, there)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		if err = w.root.Rename(there, w.inCtl(oldName)); err == nil {
			err = w.root.Rename(made, there)
		}
	}
	return err
}

// exchange swaps what was made, a, with what was there, b.
func (w *workDir) exchange(a, b string) error {
	w.unlock(b)
	dir, err := w.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	return unix.Renameat2(int(dir.Fd()), a, int(dir.Fd()), b, unix.RENAME_EXCHANGE)
}

// swapContents moves what is in WORK_DIR out and what was made in, entry by
// entry. A marker says how far it came, so that a kill in between is seen and the
// rest redone. A workload could forge the marker; all that it gains is that the
// result of the moves, or what they left where they failed, is proven, found wrong,
// and made anew.
func (w *workDir) swapContents(phase string) error {
	if phase == "out" {
		if err := w.put(swapName, "out"); err != nil {
			return err
		}
		names, err := w.contents()
		if err != nil {
			return err
		}
		if err := w.root.Mkdir(w.inCtl(oldName), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		for i, name := range names {
			if i == len(names)/2 {
				w.stage(StageSwapOut)
			}
			if err := w.rename(w.inTree(name), w.inCtl(path.Join(oldName, name))); err != nil {
				return err
			}
		}
		if err := w.put(swapName, "in"); err != nil {
			return err
		}
	}
	names, err := w.names(w.inCtl(newName))
	if err != nil {
		return err
	}
	for i, name := range names {
		if i == len(names)/2 {
			w.stage(StageSwapIn)
		}
		if err := w.remove(w.inTree(name)); err != nil {
			return err
		}
		if err := w.root.Rename(w.inCtl(path.Join(newName, name)), w.inTree(name)); err != nil {
			return err
		}
	}
	if err := w.remove(w.inCtl(swapName)); err != nil {
		return err
	}
	return errors.Join(w.remove(w.inCtl(oldName)), w.remove(w.inCtl(newName)))
}

// finishSwap takes up a swap where a kill left it.
func (w *workDir) finishSwap() error {
	if !w.inside {
		_, missing := w.root.Lstat(w.tree)
		if _, err := w.root.Lstat(w.inCtl(oldName)); err == nil && errors.Is(missing, fs.ErrNotExist) {
			return w.root.Rename(w.inCtl(oldName), w.tree)
		}
		return nil
	}
	phase := w.readWord(w.inCtl(swapName))
	if phase != "out" && phase != "in" {
		return nil
	}
	if info, err := w.root.Lstat(w.inCtl(newName)); err != nil || !info.IsDir() {
		return nil
	}
	return w.swapContents(phase)
}

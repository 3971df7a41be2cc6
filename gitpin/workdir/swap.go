package workdir

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"golang.org/x/sys/unix"
)

// Swap puts the draft in WORK_DIR's place, once all of it is on the disk. After a power cut,
// WORK_DIR is what it was or the whole draft. If the control directory is beside WORK_DIR,
// that is one atomic exchange. A file system that has none makes two renames, and finishSwap
// undoes the first if the second is missing. If the control directory is inside WORK_DIR,
// swapContents moves the names.
func (d *Dir) Swap() error {
	if err := d.syncDraft(); err != nil {
		return fmt.Errorf("bringing the checkout to the disk: %w", err)
	}
	if d.inside {
		return d.swapContents(MoveOut)
	}
	if _, err := d.root.Lstat(d.tree); errors.Is(err, fs.ErrNotExist) {
		return d.root.Rename(d.inControl(newName), d.tree)
	}
	err := d.exchange(d.inControl(newName), d.tree)
	if err == nil {
		return d.remove(d.inControl(newName))
	}
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) && !errors.Is(err, unix.EXDEV) {
		return err
	}
	if err := d.rename(d.tree, d.inControl(oldName)); err != nil {
		return err
	}
	if err := d.root.Rename(d.inControl(newName), d.tree); err != nil {
		return err
	}
	return d.remove(d.inControl(oldName))
}

// syncDraft waits until the draft is on the disk, with everything else of the file system.
// One call for all costs less than one for each file (doc/performance.md).
func (d *Dir) syncDraft() error {
	f, err := d.root.Open(d.inControl(newName))
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}

// SwapGit puts the draft's .git in the place of WORK_DIR's. It does not wait for the disk:
// if a power cut leaves a .git without contents, the next start makes it anew from the
// files and the pack.
func (d *Dir) SwapGit() error {
	made, there := d.inControl(path.Join(newName, ".git")), d.inTree(".git")
	err := d.exchange(made, there)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		if err = d.root.Rename(there, d.inControl(oldName)); err == nil {
			err = d.root.Rename(made, there)
		}
	}
	return err
}

// exchange exchanges two names: a, which was made, and b, which was there before.
func (d *Dir) exchange(a, b string) error {
	d.unlock(b)
	dir, err := d.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	return unix.Renameat2(int(dir.Fd()), a, int(dir.Fd()), b, unix.RENAME_EXCHANGE)
}

// swapContents moves the names in WORK_DIR out and those of the draft in, one by one,
// beginning with the move from. A marker says how far it has come, so that the next start
// does the rest after a kill. A workload could forge the marker, and would gain nothing:
// whatever the moves leave in WORK_DIR is proven, found wrong, and made anew.
func (d *Dir) swapContents(from Move) error {
	if from == MoveOut {
		if err := d.put(swapName, string(MoveOut)); err != nil {
			return err
		}
		names, err := d.contents()
		if err != nil {
			return err
		}
		if err := d.root.Mkdir(d.inControl(oldName), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		for i, name := range names {
			if i == len(names)/2 {
				d.halfway(MoveOut)
			}
			if err := d.rename(d.inTree(name), d.inControl(path.Join(oldName, name))); err != nil {
				return err
			}
		}
		if err := d.put(swapName, string(MoveIn)); err != nil {
			return err
		}
	}
	names, err := d.names(d.inControl(newName))
	if err != nil {
		return err
	}
	for i, name := range names {
		if i == len(names)/2 {
			d.halfway(MoveIn)
		}
		if err := d.remove(d.inTree(name)); err != nil {
			return err
		}
		if err := d.root.Rename(d.inControl(path.Join(newName, name)), d.inTree(name)); err != nil {
			return err
		}
	}
	if err := d.remove(d.inControl(swapName)); err != nil {
		return err
	}
	return errors.Join(d.remove(d.inControl(oldName)), d.remove(d.inControl(newName)))
}

// finishSwap continues a swap that a kill has interrupted.
func (d *Dir) finishSwap() error {
	if !d.inside {
		_, missing := d.root.Lstat(d.tree)
		if _, err := d.root.Lstat(d.inControl(oldName)); err == nil && errors.Is(missing, fs.ErrNotExist) {
			return d.root.Rename(d.inControl(oldName), d.tree)
		}
		return nil
	}
	from := Move(d.readWord(d.inControl(swapName)))
	if from != MoveOut && from != MoveIn {
		return nil
	}
	if info, err := d.root.Lstat(d.inControl(newName)); err != nil || !info.IsDir() {
		return nil
	}
	return d.swapContents(from)
}

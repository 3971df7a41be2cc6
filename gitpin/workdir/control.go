package workdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"gitlauncher/gitpin/worktree"
	"gitlauncher/internal/atomicfile"
)

// makeControl makes the control directory. It removes anything else that has its name, such
// as a link or a file, and access rules that everything below would inherit.
func (d *Dir) makeControl() error {
	info, err := d.root.Lstat(d.control)
	if err == nil && !info.IsDir() {
		if err := d.root.Remove(d.control); err != nil {
			return err
		}
	}
	if err := d.root.Mkdir(d.control, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making the control directory of %s: %w", d.path, err)
	}
	worktree.Thaw(d.root, d.control)
	if err := d.root.Chmod(d.control, 0o700); err != nil {
		return err
	}
	control, err := d.root.Open(d.control)
	if err != nil {
		return err
	}
	defer control.Close()
	if err := worktree.ForgetRules(control); err != nil {
		return fmt.Errorf("removing the access rules of the control directory of %s: %w", d.path, err)
	}
	if d.inside {
		top, err := d.root.Open(".")
		if err != nil {
			return err
		}
		defer top.Close()
		if err := worktree.ForgetRules(top); err != nil {
			return fmt.Errorf("removing the default access rules of %s: %w", d.path, err)
		}
	}
	return nil
}

// Mark notes the origin that WORK_DIR will be a checkout of. The mark is on the disk when Mark
// returns, because it must survive every power cut that the swap survives. A mark that is
// right already stays, so that a restart which changes nothing does not wait for the disk.
func (d *Dir) Mark(origin string) error {
	at := d.inControl(originName)
	info, err := d.root.Lstat(at)
	if err == nil && info.Mode() == 0o600 && links(info) == 1 && owner(info) == os.Geteuid() && d.readWord(at) == origin {
		return nil
	}
	return d.put(originName, origin)
}

// put writes a small file of the control directory, and waits until it is on the disk. The
// last run may have left anything under that name: a link to a file that was just proven, a
// pipe, a directory. None is followed, opened or waited for.
func (d *Dir) put(name, word string) error {
	at, tmp := d.inControl(name), d.inControl(name+".tmp")
	if err := d.remove(tmp); err != nil {
		return err
	}
	if info, err := d.root.Lstat(at); err == nil && info.IsDir() {
		if err := d.remove(at); err != nil {
			return err
		}
	}
	worktree.Thaw(d.root, at)
	if err := atomicfile.WriteVia(d.root, tmp, at, []byte(word), 0o600); err != nil {
		return err
	}
	return errors.Join(d.syncDir(d.control), d.syncDir(".")) // the file's name, and the control directory's
}

// syncDir waits until the names in a directory are on the disk.
func (d *Dir) syncDir(name string) error {
	f, err := d.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// rename moves a name, even that of a directory which the last run made read-only. Without
// unlock only root could move such a directory.
func (d *Dir) rename(from, to string) error {
	d.unlock(from)
	return d.root.Rename(from, to)
}

func (d *Dir) unlock(name string) {
	worktree.Thaw(d.root, name)
	if info, err := d.root.Lstat(name); err == nil && info.IsDir() && info.Mode().Perm()&0o700 != 0o700 {
		d.root.Chmod(name, 0o700) // if this fails, the move fails and says why
	}
}

const maxWord = 64 << 10 // bytes of a file that is read to recognise a checkout

// readWord returns the content of a small regular file, or "" for anything else.
func (d *Dir) readWord(name string) string {
	info, err := d.root.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxWord {
		return ""
	}
	data, err := d.root.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(data)
}

// remove removes a name, whatever it is, with everything below it.
func (d *Dir) remove(name string) error { return worktree.Remove(d.root, name) }

package workdir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	"gitlauncher/gitpin/worktree"
)

// Draft is a checkout in the making, in the control directory. Nothing uses it until it
// takes WORK_DIR's place.
type Draft struct{ Root *os.Root }

// Close closes the draft. It stays on the disk.
func (d *Draft) Close() { d.Root.Close() }

// NewDraft makes an empty draft. It removes what an earlier try left.
func (d *Dir) NewDraft() (*Draft, error) {
	at := d.inControl(newName)
	if err := d.remove(at); err != nil {
		return nil, err
	}
	if err := d.root.Mkdir(at, 0o755); err != nil {
		return nil, fmt.Errorf("making the directory of the new checkout: %w", err)
	}
	if err := d.root.Chmod(at, 0o755); err != nil { // whatever the umask is
		return nil, err
	}
	return d.OpenDraft()
}

// OpenDraft opens the draft again.
func (d *Dir) OpenDraft() (*Draft, error) {
	root, err := d.root.OpenRoot(d.inControl(newName))
	if err != nil {
		return nil, err
	}
	return &Draft{root}, nil
}

// Clear makes an empty directory of that name in the draft, whatever was there before: a
// submodule's directory, at the beginning of each try.
func (d *Draft) Clear(name string) error {
	if err := worktree.Remove(d.Root, name); err != nil {
		return err
	}
	if err := d.Root.Mkdir(name, 0o755); err != nil {
		return err
	}
	return d.Root.Chmod(name, 0o755) // whatever the umask is
}

// Share puts the kept pack into the draft as the file to. It links the file, if that is
// possible and the file is one that a launcher would make, and otherwise copies it. The
// original stays in place, so that a kill before the swap loses nothing. The file's time
// becomes now, like that of all files, because the last run may have chosen the old one.
func (d *Dir) Share(kept *Kept, draft *Draft, to string, now time.Time) error {
	target := d.inControl(path.Join(newName, to))
	if d.root.Link(d.linkable(kept), target) == nil {
		mine, err1 := kept.Pack.Stat()
		there, err2 := d.root.Lstat(target)
		if err1 != nil || err2 != nil || !os.SameFile(mine, there) {
			return &UnusableError{"the pack changed while it was in use"}
		}
		return errors.Join(d.root.Chmod(target, 0o444), d.root.Chtimes(target, now, now))
	}
	f, err := draft.Root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	if _, err = kept.Pack.Seek(0, io.SeekStart); err == nil {
		_, err = io.Copy(f, kept.Pack)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// linkable returns the kept pack's name. It returns "", which can't be linked, if the file
// has attributes, or another owner than a new file would have.
func (d *Dir) linkable(kept *Kept) string {
	info, err := kept.Pack.Stat()
	if err != nil || owner(info) != os.Geteuid() || worktree.HasAttributes(kept.Pack) {
		return ""
	}
	return kept.name
}

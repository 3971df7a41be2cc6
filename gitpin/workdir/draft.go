package workdir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
)

// Draft is a checkout in the making, in the control directory. Nothing reads it until
// it is swapped in.
type Draft struct{ Root *os.Root }

// Close lets go of the draft, which stays.
func (d *Draft) Close() { d.Root.Close() }

// NewDraft makes an empty draft; what an earlier try left goes.
func (d *Dir) NewDraft() (*Draft, error) {
	at := d.inControl(newName)
	if err := d.remove(at); err != nil {
		return nil, err
	}
	if err := d.root.Mkdir(at, 0o755); err != nil {
		return nil, fmt.Errorf("making the directory of the new checkout: %w", err)
	}
	if err := d.root.Chmod(at, 0o755); err != nil { // the umask
		return nil, err
	}
	root, err := d.root.OpenRoot(at)
	if err != nil {
		return nil, err
	}
	return &Draft{root}, nil
}

// Share puts the kept pack into the draft, too: the same file where the file system
// can, a copy where not. The one in place stays, so that a kill before the swap loses
// nothing.
func (d *Dir) Share(kept *Kept, draft *Draft, to string) error {
	target := d.inControl(path.Join(newName, to))
	if err := d.root.Link(kept.name, target); err == nil {
		mine, err1 := kept.Pack.Stat()
		there, err2 := d.root.Lstat(target)
		if err1 != nil || err2 != nil || !os.SameFile(mine, there) {
			return &UnusableError{"the pack changed while it was in use"}
		}
		return d.root.Chmod(target, 0o444)
	}
	f, err := draft.Root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	if _, err = kept.Pack.Seek(0, io.SeekStart); err == nil {
		_, err = io.Copy(f, kept.Pack)
	}
	return errors.Join(err, f.Close())
}

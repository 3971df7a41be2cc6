package workdir

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// ControlName is the control directory's name where it is inside WORK_DIR.
const ControlName = ".git-launcher"

// The names in the control directory.
const (
	lockName   = "lock"
	newName    = "new"    // the checkout in the making
	oldName    = "old"    // the earlier checkout, to be removed
	originName = "origin" // the REPO_URL of the checkout in WORK_DIR
	swapName   = "swap"   // the marker of swapContents
)

// Dir is WORK_DIR and its control directory, which has the lock and the draft. The control
// directory is beside WORK_DIR, so that one rename replaces the whole. It is inside if
// WORK_DIR is a mount point or nobody may write to its parent.
//
// An earlier run of the workload could write to everything in both. What is read here (the
// origin, the swap marker) decides only whether WORK_DIR may be replaced and how to tidy
// up, never what runs.
type Dir struct {
	path    string   // as in the config
	root    *os.Root // has everything below: the parent of WORK_DIR, or WORK_DIR itself
	tree    string   // WORK_DIR, below root
	control string   // the control directory, below root
	inside  bool     // the control directory is inside WORK_DIR
	lock    *os.File
	halfway func(Move)
}

// Move is one half of a swap inside a mount point, where names move one by one.
type Move string

// The moves.
const (
	MoveOut Move = "out" // of the old names
	MoveIn  Move = "in"  // of the new names
)

// Open finds where the control directory can be, and makes the parent directory if there is
// none. It touches nothing in WORK_DIR. halfway is called in the middle of each [Move].
// Errors are *[OccupiedError] and those of the disk.
func Open(dir string, halfway func(Move)) (*Dir, error) {
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
		return &Dir{path: dir, root: root, tree: base, control: "." + base + ".git-launcher", halfway: halfway}, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Dir{path: dir, root: root, tree: ".", control: ControlName, inside: true, halfway: halfway}, nil
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

// Inside reports whether the control directory is inside WORK_DIR.
func (d *Dir) Inside() bool { return d.inside }

// OpenTree opens an existing directory of WORK_DIR, or WORK_DIR itself for "".
func (d *Dir) OpenTree(dir string) (*os.Root, error) { return d.root.OpenRoot(d.inTree(dir)) }

func (d *Dir) inTree(name string) string    { return path.Join(d.tree, name) }
func (d *Dir) inControl(name string) string { return path.Join(d.control, name) }

// Close releases the lock.
func (d *Dir) Close() {
	if d.lock != nil {
		d.lock.Close()
	}
	d.root.Close()
}

func (d *Dir) names(dir string) ([]string, error) {
	f, err := d.root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// contents returns the names in WORK_DIR without the control directory. There are none if
// WORK_DIR does not exist.
func (d *Dir) contents() ([]string, error) {
	names, err := d.names(d.tree)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if d.inside {
		names = slices.DeleteFunc(names, func(n string) bool { return n == ControlName })
	}
	return names, err
}

package worktree

import (
	"errors"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// Remove removes a name below root, whatever it is, with everything below it. It is no error
// if there is nothing. The last run can leave directories of any depth, and ones that nobody
// may enter. Remove needs three descriptors at any depth ([os.RemoveAll] needs one for each
// level), and makes closed directories accessible.
func Remove(root *os.Root, name string) error {
	dir, err := root.Open(path.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := removeAll(int(dir.Fd()), path.Base(name)); err != nil {
		return &os.PathError{Op: "remove", Path: name, Err: err}
	}
	return nil
}

// rung is a directory on the way down.
type rung struct {
	dev, ino uint64
	entered  string // the name in it that was entered next
}

func removeAll(parent int, name string) error {
	if err := removeOne(parent, name); !isFull(err) {
		return err
	}
	fd, err := openClosed(parent, name)
	if err != nil {
		return err
	}
	defer func() { unix.Close(fd) }()
	var above []rung
	for {
		next, entered := -1, ""
		if entered, err = sweep(fd); err != nil {
			return err
		}
		switch {
		case entered != "":
			var st unix.Stat_t
			if err = unix.Fstat(fd, &st); err == nil {
				above = append(above, rung{st.Dev, st.Ino, entered})
				next, err = openClosed(fd, entered)
			}
		case len(above) == 0:
			return unix.Unlinkat(parent, name, unix.AT_REMOVEDIR)
		default:
			next, err = climb(fd, above[len(above)-1])
			above = above[:len(above)-1]
		}
		if err != nil {
			return err
		}
		unix.Close(fd)
		fd = next
	}
}

// climb returns to the directory above an empty one, and removes the empty one.
func climb(fd int, to rung) (int, error) {
	up, err := openat(fd, "..", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return -1, err
	}
	var st unix.Stat_t
	err = unix.Fstat(up, &st)
	if err == nil && (st.Dev != to.dev || st.Ino != to.ino) { // somebody has moved a directory
		err = unix.EBUSY
	}
	if err == nil {
		err = unix.Unlinkat(up, to.entered, unix.AT_REMOVEDIR)
	}
	if err != nil {
		unix.Close(up)
		return -1, err
	}
	return up, nil
}

// sweep removes the names in a directory until it meets a directory that is not empty. It
// returns that one's name, or "" if there is none.
func sweep(fd int) (full string, err error) {
	buf := make([]byte, 8<<10)
	for seen := true; seen; { // until one reading finds no name
		seen = false
		if _, err := unix.Seek(fd, 0, 0); err != nil {
			return "", err
		}
		for {
			n, err := unix.ReadDirent(fd, buf)
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				return "", err
			}
			if n <= 0 {
				break
			}
			_, _, names := unix.ParseDirent(buf[:n], -1, nil)
			for _, name := range names {
				seen = true
				if err := removeOne(fd, name); isFull(err) {
					return name, nil
				} else if err != nil {
					return "", err
				}
			}
		}
	}
	return "", nil
}

// removeOne removes a file or an empty directory.
func removeOne(at int, name string) error {
	err := unix.Unlinkat(at, name, 0)
	if err == unix.EISDIR || err == unix.EPERM {
		err = unix.Unlinkat(at, name, unix.AT_REMOVEDIR)
	}
	if (err == unix.EPERM || err == unix.ENOTDIR) && thaw(at, name) {
		return removeOne(at, name)
	}
	if err == unix.ENOENT {
		return nil
	}
	return err
}

func isFull(err error) bool { return errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) }

// openClosed opens a directory to remove what is in it, whatever its mode is.
func openClosed(at int, name string) (int, error) {
	var st unix.Stat_t
	if err := fstatat(at, name, &st); err != nil {
		return -1, err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR && st.Mode&0o700 != 0o700 {
		if err := unix.Fchmodat(at, name, 0o700, 0); err != nil {
			return -1, err
		}
	}
	return openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
}

package worktree

import (
	"errors"
	"os"
	"path"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// maxHeld is how many directories one worker keeps open. Deeper ones are reached from the
// last of these.
const maxHeld = 32

// dirs reaches files by their directory and a single name in it, component by component and
// never through a symbolic link. It keeps open the directories on the way to the last one.
// So the next file, mostly a neighbour, costs one system call to open rather than one for
// each component. It is not for concurrent use.
type dirs struct {
	root *os.File
	fd   int       // of the root
	held []heldDir // the open directories, from the root down
	make bool      // make missing directories, each with exactly the mode 0755
}

type heldDir struct {
	path string // below the root
	fd   int
}

// newDirs returns a dirs for a root. It must be closed.
func newDirs(root *os.Root, make bool) (*dirs, error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	return &dirs{root: f, fd: int(f.Fd()), make: make}, nil
}

func (d *dirs) close() {
	for len(d.held) > 0 {
		d.pop()
	}
	d.root.Close()
}

func (d *dirs) pop() {
	last := len(d.held) - 1
	unix.Close(d.held[last].fd)
	d.held = d.held[:last]
}

// at returns the directory of that path, or the root for "". It is valid until the next
// call. Errors are *[os.PathError], with ENOTDIR or ELOOP where something on the way is not
// a directory.
func (d *dirs) at(dir string) (fd int, err error) {
	for len(d.held) > 0 && !beneath(dir, d.held[len(d.held)-1].path) {
		d.pop()
	}
	fd, done := d.fd, 0
	if n := len(d.held); n > 0 {
		fd, done = d.held[n-1].fd, len(d.held[n-1].path)+1
	}
	for done < len(dir) {
		name, _, _ := strings.Cut(dir[done:], "/")
		done += len(name) + 1
		below, err := d.open(fd, name)
		if err != nil {
			return 0, &os.PathError{Op: "open", Path: dir[:done-1], Err: err}
		}
		if len(d.held) == maxHeld {
			d.pop()
		}
		d.held = append(d.held, heldDir{dir[:done-1], below})
		fd = below
	}
	return fd, nil
}

// beneath reports whether a directory is above or below it.
func beneath(dir, above string) bool {
	return strings.HasPrefix(dir, above) && (len(dir) == len(above) || dir[len(above)] == '/')
}

func (d *dirs) open(at int, name string) (fd int, err error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY
	fd, err = openat(at, name, flags, 0)
	if err != unix.ENOENT || !d.make {
		return fd, err
	}
	if err := unix.Mkdirat(at, name, 0o755); err != nil && err != unix.EEXIST { // another worker may have been faster
		return 0, err
	}
	if fd, err = openat(at, name, flags, 0); err != nil {
		return 0, err
	}
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && st.Mode&0o7777 != 0o755 { // because of the umask, a default ACL or an inherited group
		err = unix.Fchmod(fd, 0o755)
	}
	if err != nil {
		unix.Close(fd)
	}
	return fd, err
}

// openat opens a name in a directory, but not a symbolic link. [os.Root] would need five
// more system calls for each file, because it tries to poll every file.
func openat(at int, name string, flags int, perm uint32) (fd int, err error) {
	for {
		fd, err = unix.Openat(at, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, perm)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// pool keeps what one worker needed for the next one.
type pool[T any] struct {
	fresh func() (T, error)
	close func(T)

	mu   sync.Mutex
	idle []T
}

// use calls do with a T that nobody else uses meanwhile.
func (p *pool[T]) use(do func(T) error) error {
	p.mu.Lock()
	var t T
	var err error
	if n := len(p.idle); n > 0 {
		t, p.idle = p.idle[n-1], p.idle[:n-1]
		p.mu.Unlock()
	} else {
		p.mu.Unlock()
		if t, err = p.fresh(); err != nil {
			return err
		}
	}
	err = do(t)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, t)
	return err
}

// drain closes all that are idle.
func (p *pool[T]) drain() {
	for _, t := range p.idle {
		p.close(t)
	}
	p.idle = nil
}

// splitPath returns a file's directory, "" for the root, and its name.
func splitPath(p string) (dir, name string) {
	dir, name = path.Split(p)
	return strings.TrimSuffix(dir, "/"), name
}

// notThere reports whether an error means that a path leads to nothing or to something else,
// rather than that the disk fails.
func notThere(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP)
}

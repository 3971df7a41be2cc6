package worktree

import (
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// frozen are the flags that chattr(1) calls i (no change) and a (only appending). Nobody can
// remove or move a name that has one.
const frozen = 0x10 | 0x20 // FS_IMMUTABLE_FL and FS_APPEND_FL of linux/fs.h

// Thaw removes the flags by which the last run can have kept a name below root from being
// moved, from the name and its directory. If that fails, the move fails and says why.
func Thaw(root *os.Root, name string) {
	dir, err := root.Open(path.Dir(name))
	if err != nil {
		return
	}
	defer dir.Close()
	thaw(int(dir.Fd()), path.Base(name))
}

// thaw is [Thaw] for a name in a directory. It reports whether it changed anything.
func thaw(at int, name string) bool {
	changed := thawOpen(at)
	var st unix.Stat_t
	if fstatat(at, name, &st) != nil {
		return changed
	}
	if kind := st.Mode & unix.S_IFMT; kind != unix.S_IFREG && kind != unix.S_IFDIR { // opening a device has effects
		return changed
	}
	fd, err := openat(at, name, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return changed
	}
	defer unix.Close(fd)
	return thawOpen(fd) || changed
}

func thawOpen(fd int) bool {
	flags, err := unix.IoctlGetUint32(fd, unix.FS_IOC_GETFLAGS)
	if err != nil || flags&frozen == 0 {
		return false
	}
	return unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, int(flags&^frozen)) == nil
}

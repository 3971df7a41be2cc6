package worktree

import (
	"bytes"
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Extended attributes that grant rights, or in which an earlier run can leave a message:
// xattr(7), acl(5), capabilities(7).
const (
	aclAccess  = "system.posix_acl_access"
	aclDefault = "system.posix_acl_default" // of a directory, for the files that are made in it
	capability = "security.capability"
	message    = "user." // the prefix of names that anyone may use
)

// maxAttributes is how many bytes of names are read. The launcher's own files have no more.
const maxAttributes = 4 << 10

// HasAttributes reports whether a file has extended attributes that grant rights, or in
// which the last run could have left a message.
func HasAttributes(f *os.File) bool {
	return hasAttributes(int(f.Fd()), make([]byte, maxAttributes), false)
}

// hasAttributes is [HasAttributes] with room for names. Anyone who mounts a file system may
// set access rules for its root, as they set its mode.
func hasAttributes(fd int, room []byte, mountRoot bool) bool {
	n, err := unix.Flistxattr(fd, room[:maxAttributes])
	if errors.Is(err, unix.ENOTSUP) {
		return false
	}
	if err != nil {
		return true
	}
	for name := range bytes.SplitSeq(room[:n], []byte{0}) {
		switch s := string(name); {
		case s == aclAccess && mountRoot:
		case s == aclAccess, s == aclDefault, s == capability, strings.HasPrefix(s, message):
			return true
		}
	}
	return false
}

// ForgetRules removes the access rules that files made in a directory would inherit, and
// messages of the last run.
func ForgetRules(dir *os.File) error {
	fd, room := int(dir.Fd()), make([]byte, 64<<10) // the kernel never lists more
	n, err := unix.Flistxattr(fd, room)
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(string(room[:n]), "\x00") {
		if name == aclDefault || strings.HasPrefix(name, message) {
			if err := unix.Fremovexattr(fd, name); err != nil && !errors.Is(err, unix.ENODATA) {
				return err
			}
		}
	}
	return nil
}

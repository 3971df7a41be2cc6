package workdir

import (
	"errors"
	"strings"
	"syscall"
	"testing"
)

// TestNoLock: the error says that the file system has no locks, and not only an error
// number.
func TestNoLock(t *testing.T) {
	d := &Dir{path: "/mnt/nfs/work"}
	for _, errno := range []error{syscall.ENOLCK, syscall.ENOSYS, syscall.EOPNOTSUPP} {
		var oe *OccupiedError
		if err := d.noLock(errno); !errors.As(err, &oe) || !strings.Contains(err.Error(), "without locks") || !strings.Contains(err.Error(), "/mnt/nfs/work") {
			t.Errorf("%v: %v", errno, err)
		}
	}
	if err := d.noLock(syscall.EIO); !errors.Is(err, syscall.EIO) || strings.Contains(err.Error(), "without locks") {
		t.Errorf("%v", err)
	}
}

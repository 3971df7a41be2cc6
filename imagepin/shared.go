package imagepin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gitlauncher/imagepin/registry"
	"gitlauncher/imagepin/userconfig"
	"gitlauncher/internal/regularfile"
)

// lockPause is the time between two tries to take the lock.
const lockPause = 200 * time.Millisecond

// LockedError says that another launcher holds the lock.
type LockedError struct{ Waited time.Duration }

func (e *LockedError) Error() string {
	return fmt.Sprintf("another launcher still holds the lock of the shared volume after %v", e.Waited)
}

// Lock keeps two launchers from working on one container. It tries for as long as patience,
// and the caller closes the lock. The error may be a *[LockedError].
//
// The workload can write to the shared volume, and so it can hold the lock. Then no
// launcher supervises it. That does no other harm, because a workload that was not measured
// is stopped before the lock is taken.
func Lock(ctx context.Context, shared string, patience time.Duration, sleep registry.Sleep) (io.Closer, error) {
	root, err := os.OpenRoot(shared)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if err := root.MkdirAll(ownFolder, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	f, err := root.OpenFile(path.Join(ownFolder, "lock"), os.O_RDWR|os.O_CREATE|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(patience); ; {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) || time.Now().After(end) {
			f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				err = &LockedError{patience}
			}
			return nil, err
		}
		if err := sleep(ctx, lockPause); err != nil {
			f.Close()
			return nil, err
		}
	}
}

// Locked reports whether a launcher holds the lock now. It creates nothing.
func Locked(shared string) (bool, error) {
	root, err := os.OpenRoot(shared)
	if err != nil {
		return false, err
	}
	defer root.Close()
	f, err := root.OpenFile(path.Join(ownFolder, "lock"), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close() // which releases the lock
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}

// ReadConfig reads the user config or a profile: a regular file of at most
// [userconfig.MaxFile] bytes. An error repeats no content.
func ReadConfig(name string) ([]byte, error) {
	data, err := regularfile.Read(name, userconfig.MaxFile)
	switch large := new(regularfile.TooLargeError); {
	case errors.Is(err, regularfile.ErrKind), errors.As(err, &large):
		return nil, fmt.Errorf("%s %w", name, err)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, cause(err))
	}
	return data, nil
}

package workdir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"gitlauncher/gitpin/worktree"
)

// Lock makes the control directory and takes the lock. It waits for another launcher up to
// wait. Errors are *[LockedError], *[OccupiedError], and those of sleep and the disk.
func (d *Dir) Lock(ctx context.Context, wait time.Duration, sleep func(context.Context, time.Duration) error) error {
	if err := d.makeControl(); err != nil {
		return err
	}
	deadline := time.Now().Add(wait)
	for {
		held, err := d.tryLock()
		if err != nil || held {
			return err
		}
		if time.Now().After(deadline) {
			return &LockedError{d.path, wait}
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// noLock returns the error for a lock that can't be taken.
func (d *Dir) noLock(err error) error {
	if errors.Is(err, syscall.ENOLCK) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EOPNOTSUPP) {
		return &OccupiedError{d.path, "is on a file system without locks (" + err.Error() + "), as some network mounts are; put it on a local disk"}
	}
	return fmt.Errorf("locking: %w", err)
}

// tryLock takes the lock if it is free, and reports whether it did. The kernel releases the
// lock when its holder ends, however that happens, so there are no stale locks.
func (d *Dir) tryLock() (bool, error) {
	name := d.inControl(lockName)
	if info, err := d.root.Lstat(name); err == nil && !info.Mode().IsRegular() {
		err = d.remove(name)
		if err != nil {
			return false, err
		}
	} else if err == nil {
		worktree.Thaw(d.root, name)
		if err := d.root.Chmod(name, 0o600); err != nil {
			return false, fmt.Errorf("opening the lock: %w", err)
		}
	}
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return false, fmt.Errorf("opening the lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		f.Close()
		return false, nil
	}
	if err != nil {
		f.Close()
		return false, d.noLock(err)
	}
	// The launcher that held the lock may have removed the file that was opened here.
	mine, err1 := f.Stat()
	there, err2 := d.root.Lstat(name)
	if err1 != nil || err2 != nil || !os.SameFile(mine, there) {
		f.Close()
		return false, nil
	}
	d.lock = f
	return true, f.Truncate(0) // it is empty, even if the last run wrote something
}

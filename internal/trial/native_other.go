//go:build !linux

package trial

import "errors"

// ErrNeedsLinux says that the launcher, which puts a commit on disk by Linux's means,
// does not run here.
var ErrNeedsLinux = errors.New("the launcher runs on Linux alone; with --docker it runs in its image")

// Native fails: it is for Linux.
func Native(string) (Machine, error) { return nil, ErrNeedsLinux }

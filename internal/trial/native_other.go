//go:build !linux

package trial

import "errors"

// ErrNeedsLinux: the launcher's ways to put a commit on disk are Linux's.
var ErrNeedsLinux = errors.New("the launcher runs on Linux alone; with --docker it runs in its image")

// Native is for Linux.
func Native(string) (Machine, error) { return nil, ErrNeedsLinux }

package testenv

import (
	"syscall"
	"testing"
)

// Tmpfs mounts a file system in memory at dir until the test ends. Options are those of
// mount(8): "size=32m".
func Tmpfs(t testing.TB, dir, options string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		Skip(t, "mounting needs root: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

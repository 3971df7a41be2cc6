// Package testenv asks for what tests need of the machine. If something is missing, the
// test is skipped, and says why. CI skips nothing: there it fails.
package testenv

import (
	"os"
	"syscall"
	"testing"
)

// Skip skips a test for what the machine lacks, and fails it in CI.
func Skip(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("CI must not skip this: "+format, args...)
	}
	t.Skipf(format, args...)
}

// Tmpfs mounts a file system in memory at dir until the test ends. Options are those of
// mount(8): "size=32m".
func Tmpfs(t testing.TB, dir, options string) {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		Skip(t, "mounting needs root: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// Package testenv asks for what tests need of the machine. If something is missing, the
// test is skipped, and says why. CI skips nothing: there it fails.
package testenv

import (
	"os"
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

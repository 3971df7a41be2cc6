package verify_test

import (
	"strings"
	"testing"

	"gitlauncher/verify/compose/appcompose"
	"gitlauncher/verify/evidence"
)

// TestSizes: the largest evidence and app-compose are read, and those of a byte more
// are not. What is read is then refused for what it lacks.
func TestSizes(t *testing.T) {
	padded := func(text string, size int) []byte { return []byte(text + strings.Repeat(" ", size-len(text))) }
	for _, c := range []struct {
		what        string
		parse       func(size int) error
		limit       int
		below, says string
	}{
		{"evidence", func(size int) error { _, err := evidence.Parse(padded("{}", size)); return err }, 6 << 20, "evidence is neither", "evidence is larger than 6 MiB"},
		{"app-compose", func(size int) error { _, err := appcompose.Parse(padded("[]", size)); return err }, 1 << 20, "cannot unmarshal", "is larger than 1 MiB"},
	} {
		for size, want := range map[int]string{c.limit - 1: c.below, c.limit: c.below, c.limit + 1: c.says} {
			if err := c.parse(size); err == nil || !strings.Contains(err.Error(), want) || want != c.says && strings.Contains(err.Error(), "larger") {
				t.Errorf("%s of %d bytes: %v; that is not %q", c.what, size, err, want)
			}
		}
	}
}

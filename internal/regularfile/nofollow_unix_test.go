//go:build unix

package regularfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestBecomesALink: a name that becomes a link after it was looked at is not followed, not even
// to open what it leads to: here that would be seen as a file that is missing.
func TestBecomesALink(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink("missing", link); err != nil {
		t.Fatal(err)
	}
	looked := 0
	before := func(string) (os.FileInfo, error) { looked++; return os.Stat(os.DevNull) }
	if _, err := unlinked(before, openUnlinked, link, 1); !errors.Is(err, ErrLink) || looked != tries {
		t.Errorf("%v after %d looks", err, looked)
	}
	if _, err := ReadUnlinked(link, 1); !errors.Is(err, ErrLink) {
		t.Errorf("%v", err)
	}
}

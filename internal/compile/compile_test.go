package compile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPinned: the toolchain is an exact one, and a go.mod that leaves it open is refused.
func TestPinned(t *testing.T) {
	if v, err := pinned("../../go.mod"); err != nil || !strings.HasPrefix(v, "go1.") {
		t.Errorf("%s, %v", v, err)
	}
	for _, text := range []string{"module m\n\ngo 1.26\n", "module m\n", "// go 1.26.8\n"} {
		mod := filepath.Join(t.TempDir(), "go.mod")
		if err := os.WriteFile(mod, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if v, err := pinned(mod); err == nil || !strings.Contains(err.Error(), "names no exact Go version") {
			t.Errorf("%q is taken for %q, %v", text, v, err)
		}
	}
}

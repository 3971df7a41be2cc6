package inputs_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/internal/inputs"
	"gitlauncher/verify/evidence"
)

// TestRead: a file below, at and above its bound, a folder, and standard input, which is
// one document.
func TestRead(t *testing.T) {
	dir := t.TempDir()
	f := &inputs.Files{Stdin: strings.NewReader("123456")}
	for size, large := range map[int]bool{4: false, 5: false, 6: true} {
		name := filepath.Join(dir, "file")
		if err := os.WriteFile(name, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		data, err := f.Read(name, 5)
		var e *inputs.LargeError
		if errors.As(err, &e) != large || !large && len(data) != size {
			t.Errorf("%d bytes: %d, %v", size, len(data), err)
		}
	}
	var folder *inputs.FolderError
	if _, err := f.Read(dir, 5); !errors.As(err, &folder) || folder.Name != dir {
		t.Errorf("a folder: %v", err)
	}
	var large *inputs.LargeError
	if _, err := f.Read("-", 5); !errors.As(err, &large) {
		t.Errorf("standard input: %v", err)
	}
	var name *inputs.NameError
	if _, err := f.Read("-", 5); !errors.As(err, &name) {
		t.Errorf("standard input again: %v", err)
	}
	if _, err := f.Read(filepath.Join(dir, "none"), 5); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestEvidence: a file that is too large is no evidence.
func TestEvidence(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, make([]byte, evidence.MaxSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	var invalid *inputs.InvalidError
	if _, err := new(inputs.Files).Evidence(name); !errors.As(err, &invalid) || !strings.Contains(err.Error(), "is larger than 6 MiB") {
		t.Error(err)
	}
}

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestWrite: what stood at the name is replaced, whatever it was, and nothing is left
// beside it.
func TestWrite(t *testing.T) {
	for name, prepare := range map[string]func(at string) error{
		"nothing":        func(string) error { return nil },
		"a file":         func(at string) error { return os.WriteFile(at, []byte("old and longer than the new"), 0o600) },
		"a link":         func(at string) error { return os.Symlink("target", at) },
		"a link outside": func(at string) error { return os.Symlink("/etc/hostname", at) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			target, file := filepath.Join(dir, "target"), filepath.Join(dir, "file")
			if err := errors.Join(os.WriteFile(target, []byte("target"), 0o600), prepare(file)); err != nil {
				t.Fatal(err)
			}
			if err := Write(file, []byte("new"), 0o646); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(file)
			info, _ := os.Lstat(file)
			if err != nil || string(data) != "new" || info.Mode() != 0o646 {
				t.Errorf("%q %v %v", data, info.Mode(), err)
			}
			if data, _ := os.ReadFile(target); string(data) != "target" {
				t.Errorf("written through a link: %q", data)
			}
			if left, _ := os.ReadDir(dir); len(left) != 2 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestWriteFails: an error leaves no temporary file, and the old content.
func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	if err := Write(filepath.Join(dir, "none", "file"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
	full := filepath.Join(dir, "full")
	if err := errors.Join(os.Mkdir(full, 0o700), os.WriteFile(filepath.Join(full, "x"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := Write(full, []byte("new"), 0o600); err == nil {
		t.Error("a folder was replaced")
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := os.WriteFile(filepath.Join(dir, "tmp"), []byte("a stranger's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteVia(root, "tmp", "file", []byte("new"), 0o600); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a temporary file that was there: %v", err)
	}
	if err := WriteIn(root, "../file", nil, 0o600); err == nil {
		t.Error("written outside of the root")
	}
	if data, _ := os.ReadFile(filepath.Join(dir, "tmp")); string(data) != "a stranger's" {
		t.Errorf("the stranger's file is %q", data)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}

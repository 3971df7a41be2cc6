package regularfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestRead(t *testing.T) {
	dir := t.TempDir()
	file, link, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := errors.Join(os.WriteFile(file, []byte("1234"), 0o600), os.Symlink("file", link), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, link} {
		if data, err := Read(name, 4); err != nil || string(data) != "1234" {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	var large *TooLargeError
	if _, err := Read(file, 3); !errors.As(err, &large) || large.Limit != 3 {
		t.Errorf("a byte too many: %v", err)
	}
	for _, name := range []string{dir, pipe, "/dev/zero"} {
		if _, err := Read(name, 4); !errors.Is(err, ErrKind) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Read(dir, 4); err == nil || err.Error() != "is not a regular file: it is a folder" {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Read("/proc/self/mem", 4); !errors.Is(err, syscall.EIO) { // regular, and nothing is mapped at 0
		t.Errorf("a file that can't be read: %v", err)
	}
	if _, err := Read(filepath.Join(dir, "none"), 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// TestUnlinked: where no link is followed, a link to a good file is refused; a folder on
// the way may be one, as long as it does not lead out of the root.
func TestUnlinked(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(os.WriteFile(at("file"), []byte("1234"), 0o600), os.Symlink("file", at("link")), os.Symlink("none", at("dangling")),
		os.Symlink("/etc", at("out")), syscall.Mkfifo(at("pipe"), 0o600), os.Mkdir(at("folder"), 0o700)); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for kind, read := range map[string]func(name string, limit int64) ([]byte, error){
		"ReadUnlinked": func(name string, limit int64) ([]byte, error) { return ReadUnlinked(at(name), limit) },
		"ReadIn":       func(name string, limit int64) ([]byte, error) { return ReadIn(root, name, limit) },
	} {
		if data, err := read("file", 4); err != nil || string(data) != "1234" {
			t.Errorf("%s: %q, %v", kind, data, err)
		}
		var large *TooLargeError
		if _, err := read("file", 3); !errors.As(err, &large) || large.Limit != 3 {
			t.Errorf("%s: a byte too many: %v", kind, err)
		}
		for name, want := range map[string]error{"link": ErrLink, "dangling": ErrLink, "pipe": ErrKind, "folder": ErrKind, "none": fs.ErrNotExist} {
			if _, err := read(name, 4); !errors.Is(err, want) {
				t.Errorf("%s: %s: %v", kind, name, err)
			}
		}
	}
	if _, err := ReadIn(root, "out/hostname", 1<<10); err == nil {
		t.Error("read outside of the root")
	}
}

// TestReplaced: a file that somebody replaces between looking and opening is read, and one
// that never is what was looked at is not.
func TestReplaced(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"looked", "opened"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for opens, want := range map[int]error{0: nil, 1: nil, tries - 1: nil, tries: ErrLink} { // opens are those of another file
		n := 0
		data, err := unlinked(os.Lstat, func(name string, flag int, mode os.FileMode) (*os.File, error) {
			if n++; n <= opens {
				name = filepath.Join(dir, "opened")
			}
			return os.OpenFile(name, flag, mode)
		}, filepath.Join(dir, "looked"), 100)
		if err != want || err == nil && string(data) != "looked" {
			t.Errorf("replaced %d times: %q, %v", opens, data, err)
		}
	}
}

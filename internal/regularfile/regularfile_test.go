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

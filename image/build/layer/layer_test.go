package layer

import (
	"archive/tar"
	"bytes"
	"io"
	"testing"
	"time"
)

var epoch = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

// sample is a small file system with all kinds of files.
func sample() []File {
	return []File{
		{Path: "/bin", Type: tar.TypeSymlink, Mode: 0o777, Link: "usr/bin", Time: epoch},
		{Path: "/usr", Type: tar.TypeDir, Mode: 0o755, Time: epoch},
		{Path: "/usr/bin", Type: tar.TypeDir, Mode: 0o755, Time: epoch},
		{Path: "/usr/bin/git", Type: tar.TypeReg, Mode: 0o755, Time: epoch, Inode: "/usr/bin/git", Data: []byte("git")},
		{Path: "/usr/bin/git-shell", Type: tar.TypeReg, Mode: 0o755, Time: epoch, Inode: "/usr/bin/git", Data: []byte("git")},
	}
}

// TestReadTar: ReadTar reads what New writes, without setuid bits.
func TestReadTar(t *testing.T) {
	files := sample()
	files[3].Mode, files[3].GID = 0o4755, 42
	files[4].Mode, files[4].GID = 0o4755, 42
	l, err := New(files)
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadTar(bytes.NewReader(data))
	if err != nil || len(got) != len(files) {
		t.Fatalf("%d files, %v", len(got), err)
	}
	for _, f := range got {
		if f.Mode&0o6000 != 0 || f.GID != 0 {
			t.Errorf("%s is %04o of group %d", f.Path, f.Mode, f.GID)
		}
	}
}

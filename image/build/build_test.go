package main

import (
	"archive/tar"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"gitlauncher/image/build/debian"
	"gitlauncher/image/build/layer"
)

var epoch = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

// sample is a small file system with all kinds of files.
func sample() []layer.File {
	return []layer.File{
		{Path: "/bin", Type: tar.TypeSymlink, Mode: 0o777, Link: "usr/bin", Time: epoch},
		{Path: "/usr", Type: tar.TypeDir, Mode: 0o755, Time: epoch},
		{Path: "/usr/bin", Type: tar.TypeDir, Mode: 0o755, Time: epoch},
		{Path: "/usr/bin/git", Type: tar.TypeReg, Mode: 0o755, Time: epoch, Inode: "/usr/bin/git", Data: []byte("git")},
		{Path: "/usr/bin/git-shell", Type: tar.TypeReg, Mode: 0o755, Time: epoch, Inode: "/usr/bin/git", Data: []byte("git")},
	}
}

func imageOf(t *testing.T, files []layer.File) v1.Image {
	t.Helper()
	d := definition{name: "x", layers: []definedLayer{newLayer("x", files)}}
	img, err := d.assemble(&options{arch: "amd64", version: "v1"}, epoch)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "layout")
	if err := writeLayout(dir, img); err != nil {
		t.Fatal(err)
	}
	if img, err = readLayout(dir); err != nil {
		t.Fatal(err)
	}
	return img
}

// TestCompare: the order of the files does not change an image, and each difference is
// named.
// SECURITY.md: B3.
func TestCompare(t *testing.T) {
	want := imageOf(t, sample())
	reordered := sample()
	reordered[0], reordered[3] = reordered[3], reordered[0]
	if diff, err := layer.Compare(imageOf(t, reordered), want); err != nil || len(diff) != 0 {
		t.Errorf("the order of files matters: %q, %v", diff, err)
	}
	cases := []struct {
		name   string
		change func([]layer.File) []layer.File
		want   string
	}{
		{"bytes", func(f []layer.File) []layer.File { f[3].Data = []byte("got"); f[4].Data = f[3].Data; return f }, "/usr/bin/git: other bytes"},
		{"mode", func(f []layer.File) []layer.File { f[2].Mode = 0o777; return f }, "/usr/bin: d 0777"},
		{"owner", func(f []layer.File) []layer.File { f[2].UID = 7; return f }, "/usr/bin: d 0755 7:0"},
		{"link", func(f []layer.File) []layer.File { f[0].Link = "usr/evil"; return f }, "/bin: l 0777 0:0 usr/evil"},
		{"time", func(f []layer.File) []layer.File { f[1].Time = epoch.Add(time.Second); return f }, "/usr: time"},
		{"more", func(f []layer.File) []layer.File {
			return append(f, layer.File{Path: "/x", Type: tar.TypeDir, Time: epoch})
		}, "/x: should not be there"},
		{"less", func(f []layer.File) []layer.File { return f[1:] }, "/bin: is missing"},
		{"no hard link", func(f []layer.File) []layer.File { f[4].Inode = "/usr/bin/git-shell"; return f }, "/usr/bin/git-shell: hard-linked otherwise"},
	}
	for _, c := range cases {
		diff, err := layer.Compare(imageOf(t, c.change(sample())), want)
		if err != nil || !strings.Contains(strings.Join(diff, "\n"), c.want) {
			t.Errorf("%s: %q, %v", c.name, diff, err)
		}
	}
	d := definition{name: "x", config: v1.Config{Env: []string{"A=b"}}, layers: []definedLayer{newLayer("x", sample())}}
	other, err := d.assemble(&options{arch: "amd64", version: "v1"}, epoch)
	if err != nil {
		t.Fatal(err)
	}
	if diff, err := layer.Compare(other, want); err != nil || !strings.Contains(strings.Join(diff, "\n"), "config: ") {
		t.Errorf("config: %q, %v", diff, err)
	}
}

// TestAdded: a flavour's layer has the files that are new or changed, and can't remove any.
func TestAdded(t *testing.T) {
	system := append(sample(), layer.File{Path: "/usr/bin/python3", Type: tar.TypeReg, Data: []byte("python")})
	system[3].Data = []byte("another git")
	system[2].Time = epoch.Add(-time.Hour) // a time alone is no change
	own, err := added(sample(), system)
	if err != nil || len(own) != 2 || own[0].Path != "/usr/bin/git" || own[1].Path != "/usr/bin/python3" {
		t.Errorf("%v, %v", own, err)
	}
	if _, err := added(sample(), system[1:]); err == nil || err.Error() != "/bin is in every image, and would be removed" {
		t.Errorf("removed: %v", err)
	}
}

// TestArchitectures: every architecture with a lock is accepted, and no other.
func TestArchitectures(t *testing.T) {
	for _, arch := range architectures {
		if _, o, err := parse([]string{"make", "-arch", arch}); err != nil || o.lockFile() != "image/debian-"+arch+".lock" {
			t.Errorf("%s: %v", arch, err)
		} else if _, err := debian.ReadLock(filepath.Join("../..", o.lockFile())); err != nil {
			t.Error(err)
		}
	}
	locks, err := filepath.Glob("../debian-*.lock")
	if err != nil || len(locks) != len(architectures) {
		t.Errorf("there are %d locks for %d architectures, %v", len(locks), len(architectures), err)
	}
	const want = `there is no lock for "riscv64": the images, flavours too, are for amd64 and arm64`
	if _, _, err := parse([]string{"make", "-arch", "riscv64"}); err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
}

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

var epoch = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

const goodLock = `# a comment
arch amd64
suite bookworm
epoch 2026-01-02T00:00:00Z
archive debian http://snapshot.example/debian/20260103T000000Z/
package aa 1.0-1 debian pool/main/a/a/a_1.0-1_amd64.deb 10 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
package bb 1:2+x debian pool/main/b/b/b_2+x_all.deb 20 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdee
`

func TestLock(t *testing.T) {
	l, err := parseLock([]byte(goodLock))
	if err != nil {
		t.Fatal(err)
	}
	again, err := parseLock(l.Format())
	if err != nil || string(again.Format()) != string(l.Format()) || len(again.Packages) != 2 {
		t.Errorf("a lock is not read as it is written: %v", err)
	}
	const line = "package bb 1:2+x debian pool/main/b/b/b_2+x_all.deb 20 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdee\n"
	bad := map[string]string{
		"no packages":       strings.Split(goodLock, "package")[0],
		"unknown word":      goodLock + "pakcage c\n",
		"twice":             goodLock + line,
		"out of order":      strings.Replace(goodLock, "package aa ", "package zz ", 1),
		"unknown archive":   strings.Replace(goodLock, "1:2+x debian", "1:2+x elsewhere", 1),
		"leaves the mirror": strings.Replace(goodLock, "pool/main/b", "../main/b", 1),
		"name is a path":    strings.Replace(goodLock, "package aa ", "package ../aa ", 1),
		"absolute":          strings.Replace(goodLock, "pool/main/b", "/main/b", 1),
		"short digest":      strings.Replace(goodLock, "cdee\n", "cde\n", 1),
		"upper-case digest": strings.Replace(goodLock, "cdee\n", "CDEE\n", 1),
		"no size":           strings.Replace(goodLock, "deb 20 ", "deb -20 ", 1),
		"second epoch":      goodLock + "epoch 2027-01-02T00:00:00Z\n",
		"second arch":       goodLock + "arch arm64\n",
		"no epoch":          strings.Replace(goodLock, "epoch", "#", 1),
	}
	for name, text := range bad {
		if _, err := parseLock([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestCommittedLocks: the architectures have the same packages, but for their own.
func TestCommittedLocks(t *testing.T) {
	wanted, err := os.ReadFile("../packages")
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		l, err := readLock("../debian-" + arch + ".lock")
		if err != nil {
			t.Fatal(err)
		}
		have := make(map[string]bool)
		for _, p := range l.Packages {
			have[p.Name] = true
		}
		for _, name := range append(strings.Fields(string(wanted)), "apt", "dpkg") {
			if !have[name] {
				t.Errorf("%s lacks %s", arch, name)
			}
		}
		for _, a := range l.Archives {
			if !strings.HasPrefix(a.Snapshot, "http://snapshot.debian.org/archive/"+a.Name+"/") {
				t.Errorf("%s names the archive %s", arch, a.Snapshot)
			}
		}
	}
}

// TestMirrorIsNotTrusted: other bytes than the lock's are refused, no matter who serves
// them, and nothing of them stays in the cache.
// SECURITY.md: B1.
func TestMirrorIsNotTrusted(t *testing.T) {
	if _, err := os.Stat("/usr/lib/apt/apt-helper"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("apt is missing, and CI must not skip this")
		}
		t.Skip("this machine has no apt")
	}
	l, err := parseLock([]byte(goodLock))
	if err != nil {
		t.Fatal(err)
	}
	mirror, cache := t.TempDir(), t.TempDir()
	for _, p := range l.Packages {
		name := filepath.Join(mirror, p.Path)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("not the package"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// A cache that somebody else could write is no better.
	if err := os.WriteFile(filepath.Join(cache, l.Packages[0].SHA256+".deb"), []byte("nor this"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := fetch(context.Background(), l, mirrors{"debian": "file://" + mirror}, cache); err == nil {
		t.Error("packages with other digests are taken")
	}
	if err := repository(context.Background(), l, cache, t.TempDir()); err == nil {
		t.Error("a package in the cache with another digest is taken")
	}
}

// sample is a small file system with all kinds of files.
func sample() []file {
	return []file{
		{Path: "/bin", Type: tar.TypeSymlink, Mode: 0o777, Link: "usr/bin", Time: epoch},
		{Path: "/usr", Type: tar.TypeDir, Mode: 0o755, Time: epoch},
		{Path: "/usr/bin", Type: tar.TypeDir, Mode: 0o755, Time: epoch},
		{Path: "/usr/bin/git", Type: tar.TypeReg, Mode: 0o755, Time: epoch, Inode: "/usr/bin/git", Data: []byte("git")},
		{Path: "/usr/bin/git-shell", Type: tar.TypeReg, Mode: 0o755, Time: epoch, Inode: "/usr/bin/git", Data: []byte("git")},
	}
}

func imageOf(t *testing.T, files []file) v1.Image {
	t.Helper()
	d := definition{name: "x", layers: []definedLayer{{"x", files}}}
	img, err := d.image(&options{arch: "amd64", version: "v1"}, epoch)
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

// TestCompare: an image is the same whatever the order in which its files came, and
// each difference is named.
// SECURITY.md: B3.
func TestCompare(t *testing.T) {
	want := imageOf(t, sample())
	turned := sample()
	turned[0], turned[3] = turned[3], turned[0]
	if diff, err := compare(imageOf(t, turned), want); err != nil || len(diff) != 0 {
		t.Errorf("the order of files matters: %q, %v", diff, err)
	}
	cases := []struct {
		name   string
		change func([]file) []file
		want   string
	}{
		{"bytes", func(f []file) []file { f[3].Data = []byte("got"); f[4].Data = f[3].Data; return f }, "/usr/bin/git: other bytes"},
		{"mode", func(f []file) []file { f[2].Mode = 0o777; return f }, "/usr/bin: d 0777"},
		{"owner", func(f []file) []file { f[2].UID = 7; return f }, "/usr/bin: d 0755 7:0"},
		{"link", func(f []file) []file { f[0].Link = "usr/evil"; return f }, "/bin: l 0777 0:0 usr/evil"},
		{"time", func(f []file) []file { f[1].Time = epoch.Add(time.Second); return f }, "/usr: time"},
		{"more", func(f []file) []file { return append(f, file{Path: "/x", Type: tar.TypeDir, Time: epoch}) }, "/x: should not be there"},
		{"less", func(f []file) []file { return f[1:] }, "/bin: is missing"},
		{"no hard link", func(f []file) []file { f[4].Inode = "/usr/bin/git-shell"; return f }, "/usr/bin/git-shell: hard-linked otherwise"},
	}
	for _, c := range cases {
		diff, err := compare(imageOf(t, c.change(sample())), want)
		if err != nil || !strings.Contains(strings.Join(diff, "\n"), c.want) {
			t.Errorf("%s: %q, %v", c.name, diff, err)
		}
	}
	d := definition{name: "x", config: v1.Config{Env: []string{"A=b"}}, layers: []definedLayer{{"x", sample()}}}
	other, err := d.image(&options{arch: "amd64", version: "v1"}, epoch)
	if err != nil {
		t.Fatal(err)
	}
	if diff, err := compare(other, want); err != nil || !strings.Contains(strings.Join(diff, "\n"), "config: ") {
		t.Errorf("config: %q, %v", diff, err)
	}
}

// TestReadTar reads what layer writes, and takes setuid bits away.
func TestReadTar(t *testing.T) {
	files := sample()
	files[3].Mode, files[3].GID = 0o4755, 42
	files[4].Mode, files[4].GID = 0o4755, 42
	l, err := layer(files)
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
	got, err := readTar(bytes.NewReader(data))
	if err != nil || len(got) != len(files) {
		t.Fatalf("%d files, %v", len(got), err)
	}
	for _, f := range got {
		if f.Mode&0o6000 != 0 || f.GID != 0 {
			t.Errorf("%s is %04o of group %d", f.Path, f.Mode, f.GID)
		}
	}
}

func TestClean(t *testing.T) {
	young := epoch.Add(time.Hour)
	in := []file{{Path: "/usr/share/doc/git", Type: tar.TypeDir}, {Path: "/usr/share/doc/git/copyright"}, {Path: "/usr/share/doc/git/README"}, {Path: "/usr/share/doc/empty", Type: tar.TypeDir},
		{Path: "/dev/null"}, {Path: "/dev", Type: tar.TypeDir}, {Path: "/etc/passwd-"}, {Path: "/etc/passwd", Time: young}, {Path: "/var/cache/a/b"}, {Path: "/etc/rc0.d/x"}, {Path: "/etc/hostname"}}
	var got []string
	for _, f := range clean(in, epoch) {
		got = append(got, f.Path)
		if f.Time.After(epoch) {
			t.Errorf("%s is younger than the epoch", f.Path)
		}
	}
	if want := "/usr/share/doc/git /usr/share/doc/git/copyright /dev /etc/passwd"; strings.Join(got, " ") != want {
		t.Errorf("what stays is %q", got)
	}
}

// TestCertificates: an authority that was added, or is missing, is refused.
// SECURITY.md: B2.
func TestCertificates(t *testing.T) {
	one := []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	two := []byte("-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n")
	good := []file{
		{Path: rootsHeld + "mozilla/one.crt", Type: tar.TypeReg, Data: one}, {Path: rootsHeld + "mozilla/two.crt", Type: tar.TypeReg, Data: two},
		{Path: bundle, Type: tar.TypeReg, Data: append(bytes.Clone(two), one...)},
		{Path: "/etc/ssl/certs/one.pem", Type: tar.TypeSymlink, Link: rootsHeld + "mozilla/one.crt"},
	}
	if err := certificates(good); err != nil {
		t.Error(err)
	}
	if certificates(good[1:]) == nil {
		t.Error("a certificate that the package does not hold is trusted")
	}
	if certificates(append(good[:2:2], file{Path: bundle, Data: one})) == nil {
		t.Error("a certificate is missing from the bundle")
	}
	if certificates(append(good, file{Path: "/etc/ssl/certs/evil.pem", Type: tar.TypeReg, Data: one})) == nil {
		t.Error("a file beside the bundle is trusted")
	}
	if certificates(nil) == nil {
		t.Error("nothing at all is trusted")
	}
}

// FuzzLock: what is read as a lock is written as one that reads the same.
func FuzzLock(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := parseLock(data)
		if err != nil {
			return
		}
		again, err := parseLock(l.Format())
		if err != nil || !bytes.Equal(again.Format(), l.Format()) {
			t.Errorf("%q is read, and not as it is written: %v", data, err)
		}
	})
}

package debian

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlauncher/image/build/layer"
	"gitlauncher/internal/testenv"
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

		"flavour twice":             goodLock + "flavour x1\nflavour x1\n",
		"flavours out of order":     goodLock + "flavour x2\nflavour x1\n",
		"flavour is a path":         goodLock + "flavour ../x\n",
		"flavour with a common one": goodLock + "flavour x1\n" + line,
		"out of order in a flavour": goodLock + "flavour x1\n" + strings.Replace(line, " bb ", " dd ", 1) + strings.Replace(line, " bb ", " cc ", 1),
	}
	for name, text := range bad {
		if _, err := parseLock([]byte(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	more := goodLock + "flavour x1\n" + strings.Replace(line, " bb ", " cc ", 1) + "flavour x2\n" + strings.Replace(line, " bb ", " ab ", 1) + strings.Replace(line, " bb ", " cc ", 1)
	if l, err = parseLock([]byte(more)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		of   *Lock
		want string
	}{{l, "aa bb"}, {l.Of(l.Flavours[0]), "aa bb cc"}, {l.Of(l.Flavours[1]), "aa ab bb cc"}, {l.Everything(), "aa ab bb cc"}} {
		var names []string
		for _, p := range c.of.Packages {
			names = append(names, p.Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("packages are %s, want %s", got, c.want)
		}
	}
	if again, err := parseLock(l.Format()); err != nil || string(again.Format()) != string(l.Format()) || !strings.HasSuffix(string(l.Format()), more[len(goodLock):]) {
		t.Errorf("a lock with flavours is not read as it is written: %v", err)
	}
}

// TestWants reads a list of wanted packages.
func TestWants(t *testing.T) {
	every, flavours, err := Wants("bash\ngit\ngo: golang-go/x golang-src/x\nnode: nodejs\n")
	if err != nil || strings.Join(every, " ") != "bash git" || len(flavours) != 2 || strings.Join(flavours["go"], " ") != "golang-go/x golang-src/x" {
		t.Errorf("%q, %q, %v", every, flavours, err)
	}
	if _, _, err := Wants("go: a\ngo: b\n"); err == nil || err.Error() != "flavour go is there twice" {
		t.Errorf("twice: %v", err)
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"/dev/**", "/dev", false}, {"/dev/**", "/dev/pts/0", true}, {"/etc/rc?.d/**", "/etc/rc0.d/x", true}, {"/etc/*-", "/etc/a/b-", false},
		{"/usr/lib/**/__pycache__/**", "/usr/lib/python3/a/b/__pycache__/c.pyc", true}, {"/usr/lib/**/__pycache__/**", "/usr/lib/__pycache__/c.pyc", true},
		{"/usr/lib/**/__pycache__/**", "/usr/lib/python3/__pycache__", false}, {"/usr/lib/**/__pycache__", "/usr/lib/python3/__pycache__", true},
		{"/usr/lib/**/__pycache__/**", "/usr/share/__pycache__/c.pyc", false},
	} {
		if got := match(c.pattern, c.name); got != c.want {
			t.Errorf("%s matches %s: %v", c.pattern, c.name, got)
		}
	}
}

// TestCommittedLocks: both locks have every wanted package and flavour, and name dated
// archives.
func TestCommittedLocks(t *testing.T) {
	wanted, err := os.ReadFile("../../packages")
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		l, err := ReadLock("../../debian-" + arch + ".lock")
		if err != nil {
			t.Fatal(err)
		}
		have := make(map[string]bool)
		for _, p := range l.Packages {
			have[p.Name] = true
		}
		every, flavours, err := Wants(string(wanted))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range append(every, "apt", "dpkg") {
			if !have[name] {
				t.Errorf("%s lacks %s", arch, name)
			}
		}
		if len(l.Flavours) != len(flavours) {
			t.Errorf("%s has %d flavours, want %d", arch, len(l.Flavours), len(flavours))
		}
		for _, f := range l.Flavours {
			for _, name := range flavours[f.Name] {
				name, _, _ = strings.Cut(name, "/")
				if !slices.ContainsFunc(f.Packages, func(p Package) bool { return p.Name == name }) {
					t.Errorf("flavour %s of %s lacks %s", f.Name, arch, name)
				}
			}
		}
		for _, a := range l.Archives {
			if !strings.HasPrefix(a.Snapshot, "http://snapshot.debian.org/archive/"+a.Name+"/") {
				t.Errorf("%s names the archive %s", arch, a.Snapshot)
			}
		}
	}
}

// TestMirrorIsNotTrusted: bytes that are not the lock's are refused, whether a mirror or
// the cache has them.
// SECURITY.md: B1.
func TestMirrorIsNotTrusted(t *testing.T) {
	if _, err := os.Stat("/usr/lib/apt/apt-helper"); err != nil {
		testenv.Skip(t, "this machine has no apt")
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
	// Somebody else may have written into the cache.
	if err := os.WriteFile(filepath.Join(cache, l.Packages[0].SHA256+".deb"), []byte("nor this"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Fetch(context.Background(), l, Mirrors{"debian": "file://" + mirror}, cache); err == nil {
		t.Error("packages with other digests are accepted")
	}
	if err := repository(context.Background(), l, cache, t.TempDir()); err == nil {
		t.Error("a package in the cache with another digest is accepted")
	}
}

func TestClean(t *testing.T) {
	young := epoch.Add(time.Hour)
	in := []layer.File{{Path: "/usr/share/doc/git", Type: tar.TypeDir}, {Path: "/usr/share/doc/git/copyright"}, {Path: "/usr/share/doc/git/README"}, {Path: "/usr/share/doc/empty", Type: tar.TypeDir},
		{Path: "/dev/null"}, {Path: "/dev", Type: tar.TypeDir}, {Path: "/etc/passwd-"}, {Path: "/etc/passwd", Time: young}, {Path: "/var/cache/a/b"}, {Path: "/etc/rc0.d/x"}, {Path: "/etc/hostname"}}
	var got []string
	for _, f := range Clean(in, epoch) {
		got = append(got, f.Path)
		if f.Time.After(epoch) {
			t.Errorf("%s is younger than the epoch", f.Path)
		}
	}
	if want := "/usr/share/doc/git /usr/share/doc/git/copyright /dev /etc/passwd"; strings.Join(got, " ") != want {
		t.Errorf("what stays is %q", got)
	}
}

// TestCertificates: an authority that was added or removed is found.
// SECURITY.md: B2.
func TestCertificates(t *testing.T) {
	one := []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	two := []byte("-----BEGIN CERTIFICATE-----\nBBBB\n-----END CERTIFICATE-----\n")
	good := []layer.File{
		{Path: rootsHeld + "mozilla/one.crt", Type: tar.TypeReg, Data: one}, {Path: rootsHeld + "mozilla/two.crt", Type: tar.TypeReg, Data: two},
		{Path: bundle, Type: tar.TypeReg, Data: append(bytes.Clone(two), one...)},
		{Path: "/etc/ssl/certs/one.pem", Type: tar.TypeSymlink, Link: rootsHeld + "mozilla/one.crt"},
	}
	if err := Certificates(good); err != nil {
		t.Error(err)
	}
	if Certificates(good[1:]) == nil {
		t.Error("a certificate that the package does not hold is trusted")
	}
	if Certificates(append(good[:2:2], layer.File{Path: bundle, Data: one})) == nil {
		t.Error("a certificate is missing from the bundle")
	}
	if Certificates(append(good, layer.File{Path: "/etc/ssl/certs/evil.pem", Type: tar.TypeReg, Data: one})) == nil {
		t.Error("a file beside the bundle is trusted")
	}
	if Certificates(nil) == nil {
		t.Error("nothing at all is trusted")
	}
}

// FuzzLock: a lock that was read is written as one that reads the same.
func FuzzLock(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := parseLock(data)
		if err != nil {
			return
		}
		again, err := parseLock(l.Format())
		if err != nil || !bytes.Equal(again.Format(), l.Format()) {
			t.Errorf("%q is read, and what is written then reads differently: %v", data, err)
		}
	})
}

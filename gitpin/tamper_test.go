package gitpin_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gitlauncher/internal/gittest"
	"gitlauncher/internal/testenv"
)

// planted is what an attack wants to be run or found.
const planted = "echo planted\n"

// attack is what a workload with write access does to its checkout before the next launch.
type attack struct {
	name string
	do   func(a *site)
}

// site is where an attack happens. Its helpers end the test if an attack can't be carried
// out, since such an attack would prove nothing.
type site struct {
	testing.TB
	dir, outside string
	h            *host
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *site) write(name, content string) {
	s.Helper()
	s.must(os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
	os.Remove(s.path(name))
	s.must(os.WriteFile(s.path(name), []byte(content), 0o755))
}

func (s *site) git(args ...string) string {
	s.Helper()
	out, err := gittest.Git(s.dir, nil, args...)
	s.must(err)
	return out
}

// sameSize replaces a script with another of the same size and restores its times.
func (s *site) sameSize() {
	info, err := os.Stat(s.path("entrypoint.sh"))
	s.must(err)
	content := planted + strings.Repeat("#", int(info.Size())-len(planted))
	f, err := os.OpenFile(s.path("entrypoint.sh"), os.O_WRONLY|os.O_TRUNC, 0)
	s.must(err)
	_, err = f.WriteString(content)
	s.must(err)
	s.must(f.Close())
	s.must(os.Chtimes(s.path("entrypoint.sh"), info.ModTime(), info.ModTime()))
}

// loose forges a loose object: other content under a real object's name.
func (s *site) loose(id, content string) {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	fmt.Fprintf(w, "blob %d\x00%s", len(content), content)
	s.must(w.Close())
	s.write(".git/objects/"+id[:2]+"/"+id[2:], z.String())
}

// freeze sets flags of chattr(1). Only root may do that; for others it does nothing.
func (s *site) freeze(name string, flags int) {
	s.Helper()
	f, err := os.Open(name)
	s.must(err)
	defer f.Close()
	if err := unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags); err != nil && os.Geteuid() == 0 {
		s.Fatal(err)
	}
	s.Cleanup(func() { exec.Command("chattr", "-R", "-f", "-i", "-a", filepath.Dir(s.dir)).Run() })
}

// acl grants a user rights by acl(5).
func (s *site) acl(name, kind string) {
	s.Helper()
	var b bytes.Buffer
	b.Write([]byte{2, 0, 0, 0}) // version
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{{0x01, 7, 0xffffffff}, {0x02, 7, 1}, {0x04, 5, 0xffffffff}, {0x10, 7, 0xffffffff}, {0x20, 5, 0xffffffff}} {
		s.must(binary.Write(&b, binary.LittleEndian, e))
	}
	s.must(syscall.Setxattr(name, "system.posix_acl_"+kind, b.Bytes(), 0))
}

func (s *site) packs(ending string) []string {
	files, err := filepath.Glob(s.path(".git/objects/pack/*" + ending))
	s.must(err)
	return files
}

func (s *site) ctl(name string) string {
	return filepath.Join(filepath.Dir(s.dir), "."+filepath.Base(s.dir)+".git-launcher", name)
}

// origin replaces the origin marker with a link.
func (s *site) origin(to string) {
	s.Helper()
	s.must(os.Remove(s.ctl("origin")))
	s.must(os.Symlink(to, s.ctl("origin")))
}

// deep makes directories inside each other.
func (s *site) deep(top string, n int) {
	s.Helper()
	s.Cleanup(func() { exec.Command("rm", "-rf", top).Run() })
	s.must(os.Mkdir(top, 0o755))
	fd, err := syscall.Open(top, syscall.O_DIRECTORY, 0)
	for range n {
		s.must(err)
		s.must(syscall.Mkdirat(fd, "d", 0o755))
		below, err2 := syscall.Openat(fd, "d", syscall.O_DIRECTORY, 0)
		syscall.Close(fd)
		fd, err = below, err2
	}
	s.must(err)
	syscall.Close(fd)
}

var attacks = []attack{
	{"content changed", func(s *site) { s.write("entrypoint.sh", planted) }},
	{"content changed, size and times kept", func(s *site) { s.sameSize() }},
	{"content changed, index made to match", func(s *site) {
		s.write("entrypoint.sh", planted)
		s.git("add", "entrypoint.sh")
	}},
	{"skip-worktree", func(s *site) {
		s.git("update-index", "--skip-worktree", "entrypoint.sh")
		s.write("entrypoint.sh", planted)
	}},
	{"assume-unchanged", func(s *site) {
		s.git("update-index", "--assume-unchanged", "entrypoint.sh")
		s.write("entrypoint.sh", planted)
	}},
	{"mode changed", func(s *site) { s.must(os.Chmod(s.path("bin/tool"), 0o777)) }},
	{"setuid", func(s *site) { s.must(os.Chmod(s.path("bin/tool"), 0o755|fs.ModeSetuid)) }},
	{"directory made writable for all", func(s *site) { s.must(os.Chmod(s.path("app"), 0o777)) }},
	{"file is a hard link", func(s *site) {
		s.must(os.Link(s.path("entrypoint.sh"), filepath.Join(s.outside, "hard")))
	}},
	{"file is a symbolic link", func(s *site) {
		s.must(os.WriteFile(filepath.Join(s.outside, "x"), []byte(planted), 0o755))
		s.must(os.Remove(s.path("entrypoint.sh")))
		s.must(os.Symlink(filepath.Join(s.outside, "x"), s.path("entrypoint.sh")))
	}},
	{"directory is a symbolic link", func(s *site) {
		s.must(os.Rename(s.path("app"), filepath.Join(s.outside, "app")))
		s.must(os.Symlink(filepath.Join(s.outside, "app"), s.path("app")))
	}},
	{"symbolic link leads elsewhere", func(s *site) {
		s.must(os.Remove(s.path("link.sh")))
		s.must(os.Symlink("/etc/passwd", s.path("link.sh")))
	}},
	{"file is a pipe", func(s *site) {
		s.must(os.Remove(s.path("entrypoint.sh")))
		s.must(syscall.Mkfifo(s.path("entrypoint.sh"), 0o644))
	}},
	{"file is a directory", func(s *site) {
		s.must(os.Remove(s.path("entrypoint.sh")))
		s.must(os.MkdirAll(s.path("entrypoint.sh/x"), 0o755))
	}},
	{"file removed", func(s *site) { s.must(os.Remove(s.path("entrypoint.sh"))) }},
	{"times of the future", func(s *site) {
		future := time.Now().Add(1000 * time.Hour)
		s.must(os.Chtimes(s.path("bin/tool"), future, future))
	}},
	{"times of the future, on a directory", func(s *site) {
		future := time.Now().Add(1000 * time.Hour)
		s.must(os.Chtimes(s.path("app"), future, future))
	}},
	{"attribute of a file", func(s *site) { s.must(syscall.Setxattr(s.path("entrypoint.sh"), "user.planted", []byte(planted), 0)) }},
	{"file closed to all", func(s *site) { s.must(os.Chmod(s.path("entrypoint.sh"), 0)) }},
	{"directory closed to all", func(s *site) { s.must(os.Chmod(s.path("app"), 0)) }},
	{"WORK_DIR made read-only", func(s *site) { s.must(os.Chmod(s.dir, 0o555)) }},
	{"WORK_DIR closed to all", func(s *site) { s.must(os.Chmod(s.dir, 0)) }},
	{".git made read-only", func(s *site) { s.must(os.Chmod(s.path(".git"), 0o555)) }},
	{".git closed to all", func(s *site) { s.must(os.Chmod(s.path(".git"), 0)) }},
	{"file that can't be changed", func(s *site) { s.freeze(s.path("entrypoint.sh"), 0x10) }},
	{"file that can only grow", func(s *site) { s.freeze(s.path("bin/tool"), 0x20) }},
	{"directory that can't be changed", func(s *site) { s.freeze(s.path("app"), 0x10) }},
	{"WORK_DIR that can't be changed", func(s *site) { s.freeze(s.dir, 0x10) }},
	{".git that can't be changed", func(s *site) { s.freeze(s.path(".git"), 0x10); s.freeze(s.path(".git/objects/pack"), 0x20) }},
	{"access rules of a file", func(s *site) { s.acl(s.path("entrypoint.sh"), "access") }},
	{"default access rules of a directory", func(s *site) { s.acl(s.path("app"), "default") }},
	{"default access rules of WORK_DIR", func(s *site) { s.acl(s.dir, "default") }},
	{"untracked file", func(s *site) { s.write("planted.sh", planted) }},
	{"untracked file, ignored", func(s *site) { s.write("planted.sh", planted); s.write(".git/info/exclude", "planted.sh\n") }},
	{"nested repository", func(s *site) { s.git("init", "-q", "nested"); s.write("nested/planted.sh", planted) }},
	{"empty directory", func(s *site) { s.must(os.Mkdir(s.path("empty"), 0o755)) }},
	{"untracked socket", func(s *site) { s.must(syscall.Mkfifo(s.path("fifo"), 0o600)) }},
	{"hook", func(s *site) {
		for _, hook := range []string{"post-checkout", "reference-transaction", "post-index-change"} {
			s.write(".git/hooks/"+hook, "#!/bin/sh\n"+planted+"touch "+s.outside+"/ran\n")
		}
	}},
	{"core.hooksPath", func(s *site) {
		s.write("../hooks/post-checkout", "#!/bin/sh\ntouch "+s.outside+"/ran\n")
		s.git("config", "core.hooksPath", filepath.Join(filepath.Dir(s.dir), "hooks"))
	}},
	{"core.fsmonitor", func(s *site) {
		s.write(".git/mon", "#!/bin/sh\ntouch "+s.outside+"/ran\n")
		s.git("config", "core.fsmonitor", s.path(".git/mon"))
	}},
	{"core.worktree", func(s *site) { s.git("config", "core.worktree", s.outside) }},
	{"filter", func(s *site) {
		s.git("config", "filter.x.smudge", "echo planted; touch "+s.outside+"/ran; cat")
		s.git("config", "filter.x.clean", "git cat-file blob HEAD:entrypoint.sh")
		s.write(".git/info/attributes", "* filter=x\n")
		s.write("entrypoint.sh", planted)
	}},
	{"line-ending attributes", func(s *site) { s.write(".git/info/attributes", "* text eol=crlf\n") }},
	{"url.insteadOf", func(s *site) { s.git("config", "url."+s.outside+".insteadOf", s.h.url) }},
	{"replace ref", func(s *site) {
		s.write("x", planted)
		id := s.git("hash-object", "-w", "x")
		s.git("replace", s.git("rev-parse", "HEAD:entrypoint.sh"), id)
	}},
	{"grafts", func(s *site) { s.write(".git/info/grafts", s.h.Head+"\n") }},
	{"alternates", func(s *site) { s.write(".git/objects/info/alternates", s.outside+"\n") }},
	{"branch and moved HEAD", func(s *site) { s.git("checkout", "-q", "-b", "evil"); s.write(".git/HEAD", "ref: refs/heads/evil\n") }},
	{"forged loose object", func(s *site) {
		id := s.git("rev-parse", "HEAD:entrypoint.sh")
		s.loose(id, planted)
		s.write("entrypoint.sh", planted)
	}},
	{"pack of other objects", func(s *site) {
		for _, p := range append(s.packs(".pack"), s.packs(".idx")...) {
			s.must(os.Remove(p))
		}
		blob := []byte(planted)
		s.write(".git/objects/pack/pack-x.pack", string(s.pack(gittest.PackEntry{Type: gittest.PackBlob, Content: blob})))
	}},
	{"second pack with planted objects", func(s *site) {
		s.write(".git/objects/pack/pack-x.pack", string(s.pack(gittest.PackEntry{Type: gittest.PackBlob, Content: []byte(planted)})))
	}},
	{"pack is a link", func(s *site) {
		for _, p := range s.packs(".pack") {
			s.must(os.Rename(p, filepath.Join(s.outside, "p")))
			s.must(os.Symlink(filepath.Join(s.outside, "p"), p))
		}
	}},
	{"pack is a pipe", func(s *site) {
		for _, p := range s.packs(".pack") {
			s.must(os.Remove(p))
			s.must(syscall.Mkfifo(p, 0o644))
		}
	}},
	{"half of the objects gone", func(s *site) {
		for _, p := range s.packs(".pack") {
			s.must(os.Chmod(p, 0o644))
			s.must(os.Truncate(p, 100))
		}
	}},
	{"no objects", func(s *site) { s.must(os.RemoveAll(s.path(".git/objects"))) }},
	{"file of 8 TiB", func(s *site) {
		s.must(os.Truncate(s.path("data/binary"), 1<<43)) // sparse; more than some file systems hold
	}},
	{"device in a file's place", func(s *site) {
		s.must(os.Remove(s.path("data/binary")))
		if err := syscall.Mknod(s.path("data/binary"), syscall.S_IFCHR|0o644, 1<<8|5); err != nil { // /dev/zero
			s.must(syscall.Mkfifo(s.path("data/binary"), 0o644)) // only root makes devices
		}
	}},
	{"index.lock", func(s *site) { s.write(".git/index.lock", "") }},
	{"shallow.lock and HEAD.lock", func(s *site) { s.write(".git/shallow.lock", ""); s.write(".git/HEAD.lock", "") }},
	{".git is a file", func(s *site) {
		s.must(os.Rename(s.path(".git"), filepath.Join(s.outside, "git")))
		s.write(".git", "gitdir: "+filepath.Join(s.outside, "git")+"\n")
	}},
	{".git is a symbolic link", func(s *site) {
		s.must(os.Rename(s.path(".git"), filepath.Join(s.outside, "git")))
		s.must(os.Symlink(filepath.Join(s.outside, "git"), s.path(".git")))
	}},
	{".git removed", func(s *site) { s.must(os.RemoveAll(s.path(".git"))); s.write("entrypoint.sh", planted) }},
	{"origin changed", func(s *site) { s.git("config", "remote.origin.url", "https://evil.example/x") }},
}

// ours are attacks on what only this launcher keeps beside the checkout.
var ours = []attack{
	{"lock is a directory", func(s *site) {
		s.must(os.Remove(s.ctl("lock")))
		s.must(os.MkdirAll(s.ctl("lock/x"), 0o755))
	}},
	{"lock is a link", func(s *site) {
		s.must(os.Remove(s.ctl("lock")))
		s.must(os.Symlink("/etc/passwd", s.ctl("lock")))
	}},
	{"lock is a pipe", func(s *site) {
		s.must(os.Remove(s.ctl("lock")))
		s.must(syscall.Mkfifo(s.ctl("lock"), 0o644))
	}},
	{"control directory is a link", func(s *site) {
		s.must(os.Rename(s.ctl(""), filepath.Join(s.outside, "ctl")))
		s.must(os.Symlink(filepath.Join(s.outside, "ctl"), s.ctl("")))
	}},
	{"control directory is a file", func(s *site) {
		s.must(os.RemoveAll(s.ctl("")))
		s.must(os.WriteFile(s.ctl(""), nil, 0o644))
	}},
	{"debris named like staging", func(s *site) {
		s.must(os.MkdirAll(s.ctl("new/.git"), 0o755))
		s.must(os.WriteFile(s.ctl("new/entrypoint.sh"), []byte(planted), 0o755))
		s.must(os.MkdirAll(s.ctl("old"), 0o755))
		s.must(os.WriteFile(s.ctl("swap"), []byte("in"), 0o755))
	}},
	{"staging is a link", func(s *site) { s.must(os.Symlink(s.outside, s.ctl("new"))) }},
	{"debris, 600 directories deep", func(s *site) { s.deep(s.ctl("old"), 600) }},
	{"unwritable debris", func(s *site) {
		s.must(os.MkdirAll(s.ctl("new/a/b"), 0o755))
		s.must(os.Chmod(s.ctl("new/a"), 0))
	}},
	{"lock is closed to all", func(s *site) { s.must(os.Chmod(s.ctl("lock"), 0)) }},
	{"lock holds planted bytes", func(s *site) {
		s.must(os.WriteFile(s.ctl("lock"), []byte(planted), 0o755))
		s.must(os.Chmod(s.ctl("lock"), 0o755))
	}},
	{"default access rules of the control directory", func(s *site) { s.acl(s.ctl(""), "default") }},
	{"message in an attribute of the control directory", func(s *site) {
		s.must(syscall.Setxattr(s.ctl(""), "user.planted", []byte(planted), 0))
	}},
	{"control directory that can't be changed", func(s *site) { s.freeze(s.ctl(""), 0x10) }},
	{"lock that can't be changed", func(s *site) { s.freeze(s.ctl("lock"), 0x10) }},
	{"origin marker that can't be changed", func(s *site) { s.freeze(s.ctl("origin"), 0x10) }},
	{"another origin marker, that can't be changed", func(s *site) {
		s.must(os.WriteFile(s.ctl("origin"), []byte("https://evil.example/x"), 0o600))
		s.freeze(s.ctl("origin"), 0x10)
	}},
	{"debris that can't be changed", func(s *site) {
		s.must(os.MkdirAll(s.ctl("old/a/b"), 0o755))
		s.must(os.WriteFile(s.ctl("old/a/b/x"), []byte(planted), 0o644))
		for _, name := range []string{"old/a/b/x", "old/a/b", "old/a", "old"} {
			s.freeze(s.ctl(name), 0x10)
		}
	}},
	{"control directory is closed to all", func(s *site) { s.must(os.Chmod(s.ctl(""), 0)) }},
	{"origin marker is a link to the script", func(s *site) { s.origin(filepath.Join("..", "work", "entrypoint.sh")) }},
	{"origin marker is a link to a new file", func(s *site) { s.origin(filepath.Join("..", "work", "planted.sh")) }},
	{"origin marker is a directory", func(s *site) {
		s.must(os.Remove(s.ctl("origin")))
		s.must(os.MkdirAll(s.ctl("origin/x"), 0o755))
	}},
	{"origin marker is a pipe", func(s *site) {
		s.must(os.Remove(s.ctl("origin")))
		s.must(syscall.Mkfifo(s.ctl("origin"), 0o644))
	}},
	{"origin marker is closed to all", func(s *site) { s.must(os.Chmod(s.ctl("origin"), 0)) }},
	{"origin marker changed", func(s *site) { s.must(os.WriteFile(s.ctl("origin"), []byte("https://evil.example/x"), 0o600)) }},
}

// TestTamperedVolume is for SECURITY.md: W1, W2, W4.
func TestTamperedVolume(t *testing.T) {
	h := newHost(t)
	for _, a := range slices.Concat(attacks, packAttacks, ours) {
		t.Run(a.name, func(t *testing.T) { t.Parallel(); tampered(t, h, a, 1) })
		// A restart leaves the pack in another form, which other code reads.
		t.Run(a.name+", after a restart", func(t *testing.T) { t.Parallel(); tampered(t, h, a, 2) })
	}
	h256 := newHost(t, gittest.SHA256)
	for _, a := range slices.Concat(packAttacks, ofContents()) {
		t.Run("SHA-256: "+a.name, func(t *testing.T) { t.Parallel(); tampered(t, h256, a, 1) })
		t.Run("SHA-256: "+a.name+", after a restart", func(t *testing.T) { t.Parallel(); tampered(t, h256, a, 2) })
	}
}

// ofContents are the attacks on ids, or on what ids name.
func ofContents() []attack {
	names := []string{
		"content changed", "content changed, size and times kept", "content changed, index made to match", "file removed",
		"symbolic link leads elsewhere", "replace ref", "grafts", "forged loose object", "pack of other objects",
		"second pack with planted objects", "half of the objects gone", "no objects",
	}
	return slices.DeleteFunc(slices.Clone(attacks), func(a attack) bool { return !slices.Contains(names, a.name) })
}

// TestTamperedVolumeOfAUser is [TestTamperedVolume] for a launcher that is not root. Modes
// can keep it out, and it may not open a file for every level of a deep tree.
// SECURITY.md: W4.
func TestTamperedVolumeOfAUser(t *testing.T) {
	if os.Geteuid() != 0 {
		testenv.Skip(t, "needs root, to become a user; without root TestTamperedVolume is this test")
	}
	top, err := os.MkdirTemp("/tmp", "user-") // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(top) })
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Chmod(top, 0o777), os.WriteFile(filepath.Join(top, "test"), self, 0o755)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-c", `ulimit -n 500 && exec "$0" -test.run '^TestTamperedVolume$' -test.v`, filepath.Join(top, "test"))
	cmd.Dir, cmd.Env = top, append(os.Environ(), "TMPDIR="+top, "HOME="+top)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestTamperedVolume/hook") {
		t.Errorf("%v\n%s", err, out)
	}
}

func tampered(t *testing.T, h *host, a attack, launches int) {
	top := t.TempDir()
	s := &site{TB: t, dir: filepath.Join(top, "vol", "work"), outside: filepath.Join(top, "outside"), h: h}
	s.must(os.Mkdir(s.outside, 0o755))
	for range launches {
		if _, err := h.pin(t, s.dir); err != nil {
			t.Fatal(err)
		}
	}
	a.do(s)
	c, err := h.pin(t, s.dir)
	if err != nil {
		t.Fatalf("the launch after it: %v", err)
	}
	clean(t, h.Dir, h.Head, s.dir)
	leftovers(t, s)
	t.Logf("our launcher runs the pinned bytes (fetched again: %t)", c.Fetched)
}

// leftovers looks for what an attack has planted, and for what it has run.
func leftovers(t *testing.T, s *site) {
	t.Helper()
	if _, err := os.Lstat(filepath.Join(s.outside, "ran")); err == nil {
		t.Error("planted code ran")
	}
	want := map[string]bool{"HEAD": true, "config": true, "index": true, "shallow": true, "info": true, "info/exclude": true, "objects": true, "objects/info": true, "objects/pack": true, "refs": true, "refs/heads": true, "refs/tags": true}
	filepath.WalkDir(s.path(".git"), func(p string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(s.path(".git"), p)
		if name != "." && !want[name] && !strings.HasPrefix(name, "objects/pack/pack-") {
			t.Errorf(".git/%s is left", name)
		}
		return err
	})
	if info, err := os.Stat(s.path("bin/tool")); err != nil || info.ModTime().After(time.Now().Add(time.Hour)) {
		t.Errorf("times of the last run are left: %v", err)
	}
	if info, err := os.Stat(s.path("app")); err != nil || info.ModTime().After(time.Now().Add(time.Hour)) {
		t.Errorf("times of the last run are left on a directory: %v", err)
	}
	if n, err := syscall.Getxattr(s.path("entrypoint.sh"), "user.planted", nil); err == nil {
		t.Errorf("an attribute of %d bytes is left", n)
	}
	for _, p := range s.packs("") {
		info, err := os.Stat(p)
		s.must(err)
		attributes, _ := syscall.Listxattr(p, make([]byte, 1000))
		if owner := info.Sys().(*syscall.Stat_t).Uid; owner != uint32(os.Geteuid()) || attributes != 0 || info.Mode() != 0o444 || info.ModTime().After(time.Now().Add(time.Hour)) {
			t.Errorf("%s is of user %d, %v, %d bytes of attributes, %v", filepath.Base(p), owner, info.Mode(), attributes, info.ModTime())
		}
	}
	for _, name := range []string{s.dir, s.path("app"), s.path("entrypoint.sh"), s.ctl("")} {
		if n, err := syscall.Listxattr(name, make([]byte, 1000)); err != nil || n != 0 {
			t.Errorf("%s has %d bytes of attributes: %v", name, n, err)
		}
	}
	if info, err := os.Lstat(s.ctl("lock")); err != nil || info.Size() != 0 || info.Mode() != 0o600 {
		t.Errorf("the lock is %v %v", info, err)
	}
	if origin, err := os.ReadFile(s.ctl("origin")); err != nil || string(origin) != s.h.url {
		t.Errorf("the origin is %q %v", origin, err)
	}
	if n := len(s.packs("")); n != 2 {
		t.Errorf("%d files in the pack directory", n)
	}
	if names, _ := os.ReadDir(s.ctl("")); len(names) != 2 {
		t.Errorf("debris: %v", names)
	}
}

// TestNaiveFlow makes the same attacks on what a shell launcher does (fetch, checkout -f,
// reset --hard, clean -ffdx), and logs which succeed. They are the comparison in
// doc/attacks.md. The test only requires that some succeed: otherwise they would not be
// attacks.
func TestNaiveFlow(t *testing.T) {
	h := newHost(t)
	fallen := 0
	for _, a := range slices.Concat(attacks, packAttacks) {
		t.Run(a.name, func(t *testing.T) {
			top := t.TempDir()
			s := &site{TB: t, dir: filepath.Join(top, "vol", "work"), outside: filepath.Join(top, "outside"), h: h}
			s.must(os.Mkdir(s.outside, 0o755))
			_, err := gittest.Git(top, nil, "clone", "-q", h.url, s.dir)
			s.must(err)
			s.git("checkout", "-q", "--detach", h.Head)
			s.git("repack", "-qad")
			a.do(s)
			verdict := naive(s)
			if verdict != "runs the pinned bytes" {
				fallen++
			}
			t.Log("naive flow: " + verdict)
		})
	}
	if fallen < 10 {
		t.Errorf("the naive flow falls for %d attacks only", fallen)
	}
}

func naive(s *site) string {
	script := `git fetch -q origin && git checkout -qf "$1" && git reset -q --hard "$1" && git clean -qffdx && [ "$(git rev-parse HEAD)" = "$1" ]`
	cmd := exec.Command("timeout", "10", "bash", "-c", script, "naive", s.h.Head)
	cmd.Dir, cmd.Env = s.dir, append(gittest.Env(), "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
	failed := cmd.Run() != nil
	if _, err := os.Lstat(filepath.Join(s.outside, "ran")); err == nil {
		return "RAN PLANTED CODE"
	}
	if failed {
		return "does not start any more"
	}
	want, err := gittest.Git(s.h.Dir, nil, "cat-file", "blob", s.h.Head+":entrypoint.sh")
	s.must(err)
	cmd = exec.Command("timeout", "2", "cat", "entrypoint.sh")
	cmd.Dir = s.dir
	got, _ := cmd.Output()
	if strings.TrimRight(string(got), "\n") != want {
		return "WOULD RUN PLANTED BYTES"
	}
	found := ""
	filepath.WalkDir(s.dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && (strings.HasPrefix(d.Name(), "planted") || d.Name() == "grafts" || d.Name() == "alternates" || d.Name() == "post-checkout" || d.Name() == "nested") {
			found = "keeps what was planted"
		}
		return nil
	})
	return map[bool]string{true: found, false: "runs the pinned bytes"}[found != ""]
}

// inside are attacks on what the launcher keeps in a WORK_DIR that is a mount point.
var inside = []attack{
	{"origin marker is a link to the script", func(s *site) {
		s.must(os.Remove(s.path(".git-launcher/origin")))
		s.must(os.Symlink("../entrypoint.sh", s.path(".git-launcher/origin")))
	}},
	{"lock holds planted bytes", func(s *site) { s.write(".git-launcher/lock", planted) }},
	{"swap marker is a pipe", func(s *site) { s.must(syscall.Mkfifo(s.path(".git-launcher/swap"), 0o644)) }},
	{"swap marker is large", func(s *site) {
		s.write(".git-launcher/swap", "")
		s.must(os.Truncate(s.path(".git-launcher/swap"), 1<<40))
	}},
	{"swap marker is forged", func(s *site) {
		s.write(".git-launcher/swap", "in")
		s.write(".git-launcher/new/entrypoint.sh", planted)
		s.write(".git-launcher/new/.git/config", "[core]\n\thooksPath = /tmp\n")
	}},
	{"swap marker is forged, and the moves can't be made", func(s *site) {
		s.write(".git-launcher/swap", "out")
		s.write(".git-launcher/new/app/x", planted)
		s.write(".git-launcher/old/app/x", planted)
	}},
	{"swap marker is forged, with a file in the way", func(s *site) {
		s.write(".git-launcher/swap", "out")
		s.write(".git-launcher/new/x", planted)
		s.write(".git-launcher/old", planted)
	}},
}

// TestTamperedMount is for SECURITY.md: W1, W2, W4.
func TestTamperedMount(t *testing.T) {
	h := newHost(t)
	for _, a := range inside {
		t.Run(a.name, func(t *testing.T) {
			top := t.TempDir()
			s := &site{TB: t, dir: filepath.Join(top, "work"), outside: top, h: h}
			s.must(os.Mkdir(s.dir, 0o755))
			testenv.Tmpfs(t, s.dir, "size=32m,mode=755")
			if _, err := h.pin(t, s.dir); err != nil {
				t.Fatal(err)
			}
			a.do(s)
			if _, err := h.pin(t, s.dir); err != nil {
				t.Fatalf("the launch after it: %v", err)
			}
			clean(t, h.Dir, h.Head, s.dir, "!! .git-launcher/")
			names, err := filepath.Glob(s.path(".git-launcher/*"))
			s.must(err)
			lock, err := os.Stat(s.path(".git-launcher/lock"))
			s.must(err)
			if want := []string{s.path(".git-launcher/lock"), s.path(".git-launcher/origin")}; !slices.Equal(names, want) || lock.Size() != 0 {
				t.Errorf("debris: %v, and %d bytes in the lock", names, lock.Size())
			}
		})
	}
}

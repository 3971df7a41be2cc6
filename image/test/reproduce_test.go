//go:build image

package test

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// TestReproducible makes the images of bin/image again: later, from a copy of the source
// in another directory, as another user (if root can make one), with another umask, time
// zone and locale. It fails on any difference and names the file.
// SECURITY.md: B3.
func TestReproducible(t *testing.T) {
	needs(t, "mmdebstrap", "git")
	builder := filepath.Join(t.TempDir(), "build")
	compile := exec.Command("go", "build", "-o", builder, "./image/build")
	compile.Dir = top
	if out, err := compile.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// Other users may not enter the parents of t.TempDir.
	home, err := os.MkdirTemp("", "git-launcher-elsewhere-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { exec.Command("chmod", "-R", "u+w", home).Run(); os.RemoveAll(home) })
	src := filepath.Join(home, "a source", "tree")
	copySource(t, src)
	must(t, "cp", "-r", filepath.Join(top, "bin/image"), filepath.Join(home, "made"))
	must(t, "cp", builder, filepath.Join(home, "build"))
	// A directory serves as the proxy for Go modules; go.sum has their digests.
	modules := filepath.Join(home, "modules")
	must(t, "cp", "-al", filepath.Join(strings.TrimSpace(must(t, "go", "env", "GOMODCACHE")), "cache/download"), modules)

	version := os.Getenv("IMAGE_VERSION")
	if version == "" {
		t.Fatal("IMAGE_VERSION must be the version of bin/image; make image-test sets it")
	}
	args := []string{"env", "-i", "PATH=" + os.Getenv("PATH"), "HOME=" + home, "TZ=Asia/Kolkata", "LC_ALL=C", "LANG=tr_TR.UTF-8", "USER=somebody",
		"GOPROXY=file://" + modules, "GONOSUMDB=*", "GOFLAGS=-modcacherw",
		"sh", "-c", `umask 077 && cd "$1" && shift && exec "$@"`, "sh", src,
		filepath.Join(home, "build"), "verify", "-version", version, "-source", os.Getenv("IMAGE_SOURCE"), "-out", filepath.Join(home, "made")}
	for _, v := range []string{"DEBIAN_MIRROR", "SECURITY_MIRROR"} {
		if m := os.Getenv(v); m != "" {
			args = append(args, "-"+strings.ToLower(strings.ReplaceAll(v, "_", "-")), m)
		}
	}
	if name := otherUser(t, home); name != "" {
		args = append([]string{"setpriv", "--reuid=" + name, "--regid=" + name, "--clear-groups"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("made again by somebody else: %v\n%s", err, out)
	}
	t.Logf("made again by somebody else:\n%s", out)
	if n := strings.Count(string(out), "reproduced"); n != 7 {
		t.Errorf("%d images were compared, not 7", n)
	}
}

// copySource copies the files that Git tracks, and those that `git add .` would add.
func copySource(t *testing.T, to string) {
	t.Helper()
	list := exec.Command("git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = top
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(top, name))
		if os.IsNotExist(err) { // removed, and not yet committed
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(to, name), string(data))
	}
}

// otherUser makes a user for this test, with the subordinate ids that mmdebstrap needs, and
// returns the name. It returns "" where the test does not run as root.
func otherUser(t *testing.T, home string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Log("not root: the same user builds again")
		return ""
	}
	needs(t, "useradd", "newuidmap", "setpriv")
	name := "gl" + unique("")[len(unique(""))-12:]
	must(t, "useradd", "--no-create-home", "--home-dir", home, "--shell", "/usr/sbin/nologin", name)
	t.Cleanup(func() { run(t, "userdel", name) })
	if _, err := user.Lookup(name); err != nil {
		t.Fatal(err)
	}
	subids, err := os.ReadFile("/etc/subuid")
	if err != nil || !strings.Contains(string(subids), name+":") {
		t.Fatalf("%s got no subordinate ids: %v", name, err)
	}
	must(t, "chown", "-R", name+":"+name, home+"/a source", home+"/made", home+"/build")
	must(t, "chown", name+":"+name, home)
	return name
}

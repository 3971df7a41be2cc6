package testscripts

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gitlauncher/internal/gittest"
	"gitlauncher/internal/testenv"
)

// TestDiskFull launches on volumes of growing size: each ends in the workload or in
// an error that leaves nothing started, and the error says why.
// SECURITY.md: H6.
func TestDiskFull(t *testing.T) {
	bin := programs(t)
	dir := mountPoint(t)
	c := newCrash(t, bin, filepath.Join(dir, "work"))
	big := strings.Repeat("incompressible? no, but large enough\n", 4000)
	head, err := c.sample.Commit("main", "big", gittest.File{Path: "entrypoint.sh", Content: "echo workload: running commit $GIT_LAUNCHER_COMMIT\n"}, gittest.File{Path: "a/big", Content: big}, gittest.File{Path: "b/big", Content: big + "x"})
	if err != nil {
		t.Fatal(err)
	}
	c.sample.Head = head
	config, err := os.ReadFile(filepath.Join(c.dir, "config.conf"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(config), "\n")
	lines[1] = "COMMIT_SHA=" + head
	if err := os.WriteFile(filepath.Join(c.dir, "config.conf"), []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	failed, started := 0, 0
	for kib := 16; kib <= 1024; kib += 48 {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, fmt.Sprintf("size=%dk", kib)); err != nil {
			continue // smaller than what is on it already
		}
		out, log, _ := c.launch("", "")
		switch {
		case strings.Contains(out, "workload: running"):
			started++
		case strings.Contains(log, "no space left on device") && strings.Contains(log, "What to do") && out == "":
			failed++
		default:
			t.Errorf("with %d KiB:\n%s%s", kib, out, log)
		}
	}
	if failed == 0 || started == 0 {
		t.Errorf("%d failed, %d started", failed, started)
	}
	c.sound("a full disk")
}

// TestParentNotWritable: for a user who may write to WORK_DIR and not to its parent,
// lock and staging lie inside it.
func TestParentNotWritable(t *testing.T) {
	if os.Geteuid() != 0 {
		testenv.Skip(t, "needs root, to run the launcher as somebody else")
	}
	const nobody = 65534
	top, err := os.MkdirTemp("/tmp", "volume-") // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(top) })
	bin := programs(t)
	work := filepath.Join(top, "work")
	for _, err := range []error{os.Chmod(top, 0o755), os.Mkdir(work, 0o755), os.Chown(work, nobody, nobody)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c := newCrash(t, bin, work)
	program, config := filepath.Join(top, "git-launcher"), filepath.Join(top, "config.conf")
	for from, to := range map[string]string{filepath.Join(bin, "git-launcher"): program, filepath.Join(c.dir, "config.conf"): config} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, data, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		cmd := exec.Command(program, "--platform", "nontee", config)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		var log bytes.Buffer
		cmd.Stderr = &log
		out, err := cmd.Output()
		if err != nil || !strings.Contains(string(out), "workload: running commit "+c.sample.Head) {
			t.Fatalf("launch %d: %v\n%s", i, err, log.Bytes())
		}
		if i == 1 { // the workload's previous run, as the same user
			if err := os.WriteFile(filepath.Join(work, "entrypoint.sh"), []byte("echo workload: planted\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got, err := gittest.Git(work, nil, "status", "--porcelain"); err != nil || got != "" {
		t.Errorf("git status: %s %v", got, err)
	}
	// A directory that may not be written at all: nothing is started.
	if err := os.Chown(work, 0, 0); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--platform", "nontee", config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.Output(); err == nil || len(out) > 0 {
		t.Errorf("an unwritable WORK_DIR: %v %s", err, out)
	}
}

// TestReadOnlyVolume: on a volume that is no longer writable, nothing is started.
func TestReadOnlyVolume(t *testing.T) {
	bin := programs(t)
	dir := mountPoint(t)
	c := newCrash(t, bin, filepath.Join(dir, "work"))
	c.sound("nothing")
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if out, log, _ := c.launch("", ""); out != "" || !strings.Contains(log, "read-only file system") || !strings.Contains(log, "What to do") {
		t.Errorf("on a read-only volume:\n%s%s", out, log)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	c.sound("a read-only volume")
}

// TestManyLaunchers: two and ten processes on one WORK_DIR go one after the other,
// and the launch is in the register once.
func TestManyLaunchers(t *testing.T) {
	bin := programs(t)
	for _, n := range []int{2, 10} {
		c := newCrash(t, bin, filepath.Join(t.TempDir(), "vol", "work"))
		results := make(chan string, n)
		for range n {
			go func() {
				out, log, _ := c.launch("", "")
				if strings.Contains(out, "workload: running commit "+c.sample.Head) {
					log = ""
				}
				results <- log
			}()
		}
		for range n {
			if log := <-results; log != "" {
				t.Errorf("one of %d:\n%s", n, log)
			}
		}
		c.sound(fmt.Sprint(n, " launchers"))
	}
}

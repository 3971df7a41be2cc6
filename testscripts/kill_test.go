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

	"gitlauncher/gitpin"
	"gitlauncher/internal/gittest"
	"gitlauncher/internal/testenv"
)

// crash is a place to kill launchers in: a Git server, a guest agent, a volume.
type crash struct {
	guest
	bin, dir, workDir string
	sample            *gittest.Sample
}

func newCrash(t *testing.T, bin, workDir string) *crash {
	t.Helper()
	c := &crash{guest: guest{TB: t}, bin: bin, dir: t.TempDir(), workDir: workDir}
	var err error
	if c.sample, err = gittest.NewSample(filepath.Join(c.dir, "srv", "workload.git")); err != nil {
		t.Fatal(err)
	}
	url, stop, err := (&gittest.Server{Root: filepath.Join(c.dir, "srv")}).Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	config := fmt.Sprintf("REPO_URL=%s/workload.git\nCOMMIT_SHA=%s\nWORK_DIR=%s\n", url, c.sample.Head, workDir)
	if err := os.WriteFile(filepath.Join(c.dir, "config.conf"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	c.socket = filepath.Join(c.dir, "dstack.sock")
	c.reboot()
	t.Cleanup(func() { c.shutdown() })
	return c
}

// launch runs the launcher, killed at a stage unless that is empty, and returns its
// output, its log and whether it was killed.
func (c *crash) launch(stage, stages string) (stdout, stderr string, killed bool) {
	cmd := exec.Command(filepath.Join(c.bin, "git-launcher"), "--dstack-endpoint", c.socket, "--receipt", filepath.Join(c.dir, "receipt.json"), filepath.Join(c.dir, "config.conf"))
	cmd.Env = append(os.Environ(), "GIT_LAUNCHER_TEST_KILL="+stage, "GIT_LAUNCHER_TEST_STAGES="+stages)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	err := cmd.Run()
	if ee, ok := err.(*exec.ExitError); ok {
		killed = ee.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
	}
	return out.String(), log.String(), killed
}

// stages launches once and returns the stages that it went through.
func (c *crash) stages() []string {
	c.Helper()
	file := filepath.Join(c.dir, "stages")
	os.Remove(file)
	if out, log, _ := c.launch("", file); !strings.Contains(out, "workload: running") {
		c.Fatalf("the launch failed:\n%s", log)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		c.Fatal(err)
	}
	return strings.Fields(string(data))
}

// sound requires that a plain restart runs the pinned workload, that git agrees with
// the checkout and that this launch is in the register once.
func (c *crash) sound(after string) {
	c.Helper()
	out, log, _ := c.launch("", "")
	if !strings.Contains(out, "workload: running commit "+c.sample.Head) {
		c.Errorf("after a kill at %s a restart fails:\n%s", after, log)
		return
	}
	for _, args := range [][]string{{"status", "--porcelain"}, {"fsck"}} {
		if got, err := gittest.Git(c.workDir, nil, args...); err != nil || got != "" {
			c.Errorf("after a kill at %s: git %s: %s %v", after, args[0], got, err)
		}
	}
	if names := c.events(); names != "git-commit git-launch" {
		c.Errorf("after a kill at %s the register holds %v", after, names)
	}
}

// TestKillAnywhere kills the launcher at every stage that it goes through, the first
// time and on a restart, and restarts it. It uses the stages that the launcher itself
// reports, so a new stage is tested, too.
// SECURITY.md: H6.
func TestKillAnywhere(t *testing.T) {
	bin := programs(t)
	seen := make(map[string]bool)
	for _, place := range []struct {
		name string
		dir  func(t *testing.T) string
	}{
		{"beside", func(t *testing.T) string { return filepath.Join(t.TempDir(), "vol", "work") }},
		{"mount point", mountPoint},
	} {
		t.Run(place.name, func(t *testing.T) {
			dir := place.dir(t)
			c := newCrash(t, bin, dir)
			cold := c.stages()
			warm := c.stages()
			for _, stage := range append(cold, warm...) {
				seen[stage] = true
			}
			empty := func() {
				names, _ := filepath.Glob(filepath.Join(dir, "*"))
				hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
				for _, n := range append(names, hidden...) {
					os.RemoveAll(n)
				}
			}
			for _, stage := range cold {
				empty()
				c.reboot()
				if out, log, killed := c.launch(stage, ""); !killed || strings.Contains(out, "workload") {
					t.Fatalf("not killed at %s:\n%s%s", stage, out, log)
				}
				c.sound(stage)
			}
			for _, stage := range warm {
				if _, log, killed := c.launch(stage, ""); !killed {
					t.Fatalf("not killed at %s on a restart:\n%s", stage, log)
				}
				c.sound(stage + " (restart)")
			}
			// The same with changed files, so that the restart has to restore them.
			tamper := func() {
				if err := os.WriteFile(filepath.Join(dir, "entrypoint.sh"), []byte("echo workload: planted\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			tamper()
			again := c.stages()
			for _, stage := range again {
				seen[stage] = true
				tamper()
				if _, log, killed := c.launch(stage, ""); !killed {
					t.Fatalf("not killed at %s after tampering:\n%s", stage, log)
				}
				c.sound(stage + " (restart after tampering)")
			}
		})
	}
	for _, want := range gitpin.Stages() {
		inside := want == gitpin.StageSwapOut || want == gitpin.StageSwapIn
		if !seen[string(want)] && !t.Failed() && !(inside && os.Geteuid() != 0) {
			t.Errorf("no launch was killed at the stage %s", want)
		}
	}
}

// mountPoint mounts a file system for WORK_DIR, and returns where.
func mountPoint(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	testenv.Tmpfs(t, dir, "size=64m")
	return dir
}

package handover

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestScriptArgs: bash takes each name for the script, never for an option, after
// which it would run its standard input.
// SECURITY.md: H1.
func TestScriptArgs(t *testing.T) {
	for _, name := range []string{"entrypoint.sh", "a/b.sh", "-c", "-s", "--version", "-", "+x", "+O", "a=b", "a b", "~", "$0"} {
		dir := t.TempDir()
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("echo the script\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("/bin/bash")
		cmd.Args, cmd.Dir, cmd.Stdin = scriptArgs(name), dir, strings.NewReader("echo standard input\n")
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != "the script\n" {
			t.Errorf("%q: %v %s", name, err, out)
		}
	}
}

func TestFindBash(t *testing.T) {
	if _, err := findBash([]string{t.TempDir(), "/etc/passwd", "/nonexistent"}); err == nil {
		t.Error("a directory, or a file that can't be run, is taken for bash")
	}
}

// TestExec runs each case in another process, since one that succeeds is gone: the
// workload gets the folder, the environment, the process id and three descriptors.
func TestExec(t *testing.T) {
	if dir := os.Getenv("TEST_HANDOVER"); dir != "" {
		w := Workload{WorkDir: dir, Subdir: "sub", Run: os.Getenv("TEST_RUN"), Install: os.Getenv("TEST_INSTALL"),
			Env: []string{"HOME=" + dir, "SSH_CLIENT=x"}, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Ready: func() {}}
		if w.Run == "" {
			w.Script = "-s"
		}
		fmt.Println(os.Getpid(), Exec(t.Context(), w))
		return
	}
	dir := t.TempDir()
	const script = `echo "pid $$ in ${PWD##*/} of $HOME, SSH_CLIENT=$SSH_CLIENT, descriptors" /proc/self/fd/*` + "\n"
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "sub"), 0o755), os.WriteFile(filepath.Join(dir, "sub", "-s"), []byte(script), 0o644),
		os.WriteFile(filepath.Join(dir, ".bashrc"), []byte("echo sourced\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, run, install, want, logged string }{
		{"a script", "", "", "pid PID in sub of DIR, SSH_CLIENT=x, descriptors /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/255 /proc/self/fd/3\n", "exec in DIR/sub: bash ./-s"}, // 255 is bash's own for the script, 3 the listing
		{"a command", "echo pid $$", "", "pid PID\n", "exec in DIR/sub: bash -c RUN_CMD"},
		{"an install command before", "echo then", "echo first", "first\nthen\n", "exec in DIR/sub: bash -c RUN_CMD"},
		{"one that fails", "echo then", "exit 3", "PID INSTALL_CMD: exit status 3\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestExec$")
			cmd.Env = []string{"TEST_HANDOVER=" + dir, "TEST_RUN=" + c.run, "TEST_INSTALL=" + c.install}
			cmd.Stdin = strings.NewReader("echo standard input\n")
			cmd.ExtraFiles = []*os.File{os.Stderr, os.Stderr}
			var log strings.Builder
			cmd.Stderr = &log
			out, err := cmd.Output()
			got, _, _ := strings.Cut(string(out), "PASS\n") // what the test binary adds where it is still there
			real := strings.NewReplacer("PID", fmt.Sprint(cmd.Process.Pid), "DIR", dir)
			if want := real.Replace(c.want); err != nil || got != want {
				t.Errorf("%v: %q, want %q", err, got, want)
			}
			if logged := real.Replace(c.logged); !strings.Contains(log.String(), `msg="`+logged) || (logged == "") != !strings.Contains(log.String(), "exec in ") {
				t.Errorf("logged is %q, want %q", log.String(), logged)
			}
		})
	}
}

// TestEnter: a symbolic link on the way is not followed.
func TestEnter(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"link", "link/etc", "none", "/none/x"} {
		workDir := dir
		if strings.HasPrefix(sub, "/") { // WORK_DIR itself
			workDir, sub = sub, ""
		}
		err := Exec(t.Context(), Workload{WorkDir: workDir, Subdir: sub, Script: "x", Log: slog.New(slog.DiscardHandler), Ready: func() { t.Error("ready") }})
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(e.Doing, "entering ") {
			t.Errorf("%s: %v", sub, err)
		}
	}
}

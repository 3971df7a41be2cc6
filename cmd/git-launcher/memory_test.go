package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"

	"gitlauncher/internal/compile"
	"gitlauncher/internal/gittest"
	"gitlauncher/internal/testenv"
)

// asMeter makes the test's own binary a small process that runs a program and prints
// its largest resident set, in bytes. A process begins with the peak of the one that
// started it, so the test itself, which holds a repository, can't be the meter.
const asMeter = "GIT_LAUNCHER_TEST_METER"

func TestMain(m *testing.M) {
	if os.Getenv(asMeter) == "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// Of the process and the children that it waited for, the largest one counts.
	fmt.Print(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10)
}

// TestMemoryOfManyFiles: a launch of 100,000 files takes at most 64 MiB of memory, cold
// and as a restart (the table "Memory" of doc/limits.md). The program is built as a
// release is, and asks a real server.
func TestMemoryOfManyFiles(t *testing.T) {
	if testing.Short() {
		testenv.Skip(t, "launches 100,000 files")
	}
	const most = 64 << 20
	dir := t.TempDir()
	testenv.Tmpfs(t, dir, "size=2g") // a disk would take a minute to keep so many files
	repo, err := gittest.NewRepo(filepath.Join(dir, "srv", "r.git"))
	if err != nil {
		t.Fatal(err)
	}
	files := []gittest.File{{Path: "entrypoint.sh", Content: "[ $(find . -name '*.txt' | wc -l) = 100000 ]\n"}}
	for i := range 100_000 {
		files = append(files, gittest.File{Path: fmt.Sprintf("d%02d/e%02d/f%d.txt", i%40, i/40%25, i), Content: fmt.Sprintf("file %d\n", i)})
	}
	head, err := repo.Commit("main", "many", files...)
	if err != nil {
		t.Fatal(err)
	}
	url, stop, err := (&gittest.Server{Root: filepath.Join(dir, "srv")}).Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	config := filepath.Join(dir, "launcher.conf")
	text := fmt.Sprintf("REPO_URL=%s/r.git\nCOMMIT_SHA=%s\nWORK_DIR=%s\n", url, head, filepath.Join(dir, "work"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "git-launcher")
	t.Chdir("../..")
	if err := compile.Program(t.Context(), compile.Target{OS: runtime.GOOS, Arch: runtime.GOARCH, Version: "v0.0.0"}, "git-launcher", program); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"cold", "restart"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], program, "--platform", "nontee", "--log-level", "error", config)
		cmd.Env = append(os.Environ(), asMeter+"=1")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		peak, err := strconv.ParseInt(string(out), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.1f MiB", what, float64(peak)/(1<<20))
		if peak > most {
			t.Errorf("%s took %d bytes of memory, more than %d", what, peak, most)
		}
	}
}

package stage_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gitlauncher/internal/stage"
)

// reached is a variable that makes this test's program go through three stages.
const reached = "GIT_LAUNCHER_TEST_REACHED"

// TestMain goes through the stages if a test asks for that.
func TestMain(m *testing.M) {
	if os.Getenv(reached) != "" {
		for _, s := range []string{"first", "second", "third"} {
			stage.Reached(s)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestNoHook: a program that is built without the tag goes through all stages, whatever
// the variables say, and writes and runs nothing.
func TestNoHook(t *testing.T) {
	test, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if stages := through(t, test, false); stages != "" {
		t.Errorf("it wrote %q", stages)
	}
}

// TestHook: with the tag, it writes the stages, runs the command where it was told to,
// and is killed.
func TestHook(t *testing.T) {
	test := filepath.Join(t.TempDir(), "stage.test")
	build := exec.Command("go", "test", "-tags", "stagehook", "-c", "-o", test, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if stages := through(t, test, true); stages != "first\nran at first\nsecond\n" {
		t.Errorf("it wrote %q", stages)
	}
}

// through runs a program through the stages, told to kill it at the second, and returns
// what it wrote.
func through(t *testing.T, program string, killed bool) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stages")
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), reached+"=1", "GIT_LAUNCHER_TEST_STAGES="+file, "GIT_LAUNCHER_TEST_KILL=second",
		"GIT_LAUNCHER_TEST_AT=first", `GIT_LAUNCHER_TEST_RUN=echo "ran at $STAGE" >>"$GIT_LAUNCHER_TEST_STAGES"`)
	out, err := cmd.CombinedOutput()
	var ended *exec.ExitError
	switch {
	case !killed && err != nil:
		t.Errorf("%v\n%s", err, out)
	case killed && (!errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL):
		t.Errorf("it was not killed: %v\n%s", err, out)
	}
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data)) + map[bool]string{true: "\n"}[len(data) > 0]
}

//go:build stagehook

package stage

import (
	"fmt"
	"os"
	"os/exec"
	"runtime/coverage"
	"syscall"
)

// Reached kills the launcher, as a machine that dies would, at the stage that a test
// names in GIT_LAUNCHER_TEST_KILL. Before that it writes the stage to the file in
// GIT_LAUNCHER_TEST_STAGES, and runs the command in GIT_LAUNCHER_TEST_RUN: at every
// stage, or at the one in GIT_LAUNCHER_TEST_AT. The command has the stage in STAGE.
func Reached(stage string) {
	if name := os.Getenv("GIT_LAUNCHER_TEST_STAGES"); name != "" {
		if f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644); err == nil {
			fmt.Fprintln(f, stage)
			f.Close()
		}
	}
	if command := os.Getenv("GIT_LAUNCHER_TEST_RUN"); command != "" {
		if at := os.Getenv("GIT_LAUNCHER_TEST_AT"); at == stage || at == "" {
			cmd := exec.Command("sh", "-c", command)
			cmd.Env = append(os.Environ(), "STAGE="+stage)
			if out, err := cmd.CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "stage %s: %v\n%s", stage, err, out)
			}
		}
	}
	killed := os.Getenv("GIT_LAUNCHER_TEST_KILL") == stage
	// A process that becomes another program, or is killed, never writes its counters
	// (make cover).
	if dir := os.Getenv("GOCOVERDIR"); dir != "" && (killed || stage == "exec") {
		if err := coverage.WriteCountersDir(dir); err != nil {
			fmt.Fprintf(os.Stderr, "stage %s: writing counters: %v\n", stage, err)
		}
	}
	if killed {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

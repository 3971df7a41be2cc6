package testscripts

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"gitlauncher/internal/testenv"
	"gitlauncher/internal/walktest"
)

// TestWalk goes doc/deploy.md's way from nothing to VERIFIED, through an upgrade and a
// rollback, on this machine itself: three workloads, on both lines of dstack. package test of
// image goes it in Docker.
func TestWalk(t *testing.T) {
	bin := programs(t)
	for workload, program := range map[string]string{"shell": "bash", "python": "python3", "go": "go"} {
		for _, line := range []string{"0.5", "0.6"} {
			t.Run(workload+" on dstack "+line, func(t *testing.T) {
				t.Parallel()
				for _, needed := range []string{"jq", "curl", program} {
					if _, err := exec.LookPath(needed); err != nil {
						testenv.Skip(t, "%v", err)
					}
				}
				way := walktest.Way{
					Top: "..", Workload: workload, Dstack: line, Host: "127.0.0.1",
					Image: "registry.example/git-launcher@sha256:" + strings.Repeat("a1", 32),
					Env:   []string{"PATH=" + bin + ":" + os.Getenv("PATH")},
				}
				way.Go(t)
			})
		}
	}
}

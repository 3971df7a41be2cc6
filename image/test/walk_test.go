//go:build image

package test

import (
	"os"
	"path/filepath"
	"testing"

	"gitlauncher/internal/walktest"
)

// TestWalk follows doc/deploy.md in Docker from nothing to VERIFIED, through an upgrade and a
// rollback. It does so for three workloads, each in the image that has what it needs, and on
// both lines of dstack. TestWalk of package testscripts follows the page without Docker.
func TestWalk(t *testing.T) {
	needs(t, "curl", "jq")
	reg := registry(t)
	sim := pulled(t, reg, "dstack-sim")
	bin, err := filepath.Abs(filepath.Join(top, "bin"))
	if err != nil {
		t.Fatal(err)
	}
	// `docker compose` runs the version of Compose that the page names.
	settings := t.TempDir()
	write(t, filepath.Join(settings, "cli-plugins/.keep"), "")
	if err := os.Symlink(filepath.Join(bin, "docker-compose"), filepath.Join(settings, "cli-plugins/docker-compose")); err != nil {
		t.Fatal(err)
	}
	network := docker(t, "network", "create", unique("net"))
	t.Cleanup(func() { run(t, "docker", "network", "rm", network) })
	host := docker(t, "network", "inspect", network, "--format", "{{(index .IPAM.Config 0).Gateway}}")
	for workload, name := range map[string]string{"shell": "git-launcher", "python": "git-launcher-python", "go": "git-launcher-go"} {
		image := pulled(t, reg, name)
		for _, line := range []string{"0.5", "0.6"} {
			t.Run(workload+" on dstack "+line, func(t *testing.T) {
				way := walktest.Way{
					Top: top, Workload: workload, Dstack: line, Host: host, Image: image, SimImage: sim, Project: unique("walk"),
					Env: []string{"PATH=" + bin + ":" + os.Getenv("PATH"), "DOCKER_CONFIG=" + settings},
				}
				t.Cleanup(func() {
					run(t, "sh", "-c", `docker ps --all --quiet --filter name="$1" | xargs -r docker rm --force --volumes
						docker network ls --quiet --filter name="$1" | xargs -r docker network rm
						docker volume ls --quiet --filter name="$1" | xargs -r docker volume rm`, "sh", way.Project)
				})
				way.Go(t)
			})
		}
	}
}

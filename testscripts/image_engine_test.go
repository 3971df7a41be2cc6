package testscripts

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"gitlauncher/internal/regtest"
	"gitlauncher/internal/testenv"
)

// node is a place to launch images in: a Docker Engine that may be pruned, restarted
// and killed, a registry, a guest agent.
type node struct {
	guest
	bin, dir, name string
	engine         *regtest.Engine
	registry       *regtest.Server
	image          string
	digest         string      // of the image that is approved
	log            *syncBuffer // of the last launcher
}

// syncBuffer may be read while a launcher writes it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newNode starts a private Engine. place, if set, makes the folder for its data.
func newNode(t *testing.T, bin string, place func(dir string)) *node {
	t.Helper()
	return newConfiguredNode(t, bin, place, "{}")
}

// newConfiguredNode is newNode with a daemon.json for the Engine.
func newConfiguredNode(t *testing.T, bin string, place func(dir string), daemonJSON string) *node {
	t.Helper()
	dir, err := os.MkdirTemp("", "gl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	n := &node{guest: guest{TB: t}, bin: bin, dir: dir, name: "gl-private-" + strings.ToLower(rand.Text()[:6]), registry: &regtest.Server{}, log: &syncBuffer{}}
	if place != nil {
		place(dir)
	}
	n.engine, err = regtest.StartConfigured(dir, daemonJSON)
	if errors.Is(err, regtest.ErrNoDockerd) {
		testenv.Skip(t, "%v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.engine.Stop() })
	stop, err := regtest.Start(n.registry)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	l, err := n.engine.Listen(n.registry.Host) // the Engine sees it at the same address
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go regtest.Forward(l, n.registry.Host)
	n.image, n.socket = n.registry.Host+"/near/node", filepath.Join(dir, "s.sock")
	n.reboot()
	t.Cleanup(func() { n.shutdown() })
	n.digest = n.push()
	n.write("shared/image-digest.bin", `{"approved_hashes":["`+n.digest+`"]}`)
	n.write("profile.toml", profile(n.name, filepath.Join(dir, "shared"), n.socket))
	n.configure("")
	return n
}

func (n *node) write(name, content string) {
	n.Helper()
	name = filepath.Join(n.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(content), 0o600)); err != nil {
		n.Fatal(err)
	}
}

// configure writes the user config; extra are lines of its first table.
func (n *node) configure(behave string, extra ...string) {
	n.write("user_config", fmt.Sprintf("[launcher_config]\nimage_reference = %q\npull_max_retries = 0\n%s\n[mpc_node_config]\nbehave = %q\n", n.image, strings.Join(extra, "\n"), behave))
}

func (n *node) push() string {
	n.Helper()
	bin, err := nodeBinary()
	if err != nil {
		n.Fatal(err)
	}
	image, err := regtest.NodeImage(bin, rand.Text())
	if err != nil {
		n.Fatal(err)
	}
	digest, err := regtest.Pusher{Host: n.registry.Host}.Push("near/node:x", image)
	if err != nil {
		n.Fatal(err)
	}
	return digest
}

// start starts the launcher, with variables for it.
func (n *node) start(env []string, flags ...string) (*exec.Cmd, *syncBuffer) {
	n.Helper()
	in := func(name string) string { return filepath.Join(n.dir, name) }
	cmd := exec.Command(filepath.Join(n.bin, "git-launcher"), append([]string{"image", "--docker-endpoint", n.engine.Socket, "--dstack-endpoint", n.socket,
		"--shared-dir", in("shared"), "--user-config", in("user_config"), "--profile", in("profile.toml")}, flags...)...)
	cmd.Env = append(append(os.Environ(), "PLATFORM=TEE", "DOCKER_CONTENT_TRUST=1", "DOCKER_HOST=unix://"+n.engine.Socket), env...)
	n.log = &syncBuffer{}
	cmd.Stdout, cmd.Stderr = n.log, n.log
	if err := cmd.Start(); err != nil {
		n.Fatal(err)
	}
	n.Cleanup(func() { cmd.Process.Kill() })
	return cmd, n.log
}

// launch runs the launcher with --detach. killed says whether it was killed.
func (n *node) launch(env ...string) (log string, code int, killed bool) {
	n.Helper()
	cmd, out := n.start(env, "--detach")
	err := cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		killed = exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
	}
	return out.String(), cmd.ProcessState.ExitCode(), killed
}

func (n *node) docker(args ...string) string {
	n.Helper()
	out, err := n.engine.Docker(args...)
	if err != nil {
		n.Fatal(err)
	}
	return out
}

// state returns the container's state; empty if there is none.
func (n *node) state() string {
	out, err := n.engine.Docker("inspect", "-f", "{{.State.Status}}", n.name)
	if err != nil {
		return ""
	}
	return out
}

// await waits until something holds.
func (n *node) await(what string, holds func() bool) {
	n.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			n.Fatalf("%s does not come about: %s", what, n.log.String())
		}
	}
}

const onceMeasured = "mpc-image-digest image-launch"

// sound requires that the approved image runs in one container, is measured once, and
// has the volume that it had.
func (n *node) sound(after string) {
	n.Helper()
	if got := n.state(); got != "running" {
		n.Errorf("%s: the container is %q", after, got)
	}
	if got := n.docker("inspect", "-f", "{{.Config.Image}}", n.name); got != n.image+"@"+n.digest {
		n.Errorf("%s: the image is %s", after, got)
	}
	if got := n.docker("ps", "-aq"); strings.Count(got, "\n") != 0 {
		n.Errorf("%s: containers are %q", after, got)
	}
	if got := n.events(); got != onceMeasured {
		n.Errorf("%s: the register holds %q", after, got)
	}
	if _, err := os.Stat(filepath.Join(n.dir, "data/volumes", n.name+"-data", "_data/precious")); err != nil {
		n.Errorf("%s: the node's data is gone: %v", after, err)
	}
}

// keep puts a file into the node's volume.
func (n *node) keep() {
	n.Helper()
	if err := os.WriteFile(filepath.Join(n.dir, "data/volumes", n.name+"-data", "_data/precious"), nil, 0o600); err != nil {
		n.Fatal(err)
	}
}

const pruneAll = `docker image prune -af && docker volume prune -f && docker network prune -f`

// TestImagePrune fires the prunes that dstack runs right after `compose up`, and more,
// at every step of a launch: a first one, and one that replaces the container.
// SECURITY.md: D4.
func TestImagePrune(t *testing.T) {
	t.Parallel()
	n := newNode(t, programs(t), nil)
	once := `mkdir ` + n.dir + `/$0-$STAGE 2>/dev/null || exit 0; ` + pruneAll
	stages := filepath.Join(n.dir, "stages")
	if log, code, _ := n.launch("GIT_LAUNCHER_TEST_RUN="+strings.ReplaceAll(once, "$0", "first"), "GIT_LAUNCHER_TEST_STAGES="+stages); code != 0 {
		t.Fatalf("exit code %d\n%s", code, log)
	}
	n.keep()
	n.sound("after the first launch")
	data, err := os.ReadFile(stages)
	if err != nil || strings.Count(string(data), "pulled") != 2 || !strings.Contains(string(data), "measured") {
		t.Errorf("stages %q, %v", data, err) // the first image was pruned and pulled again
	}
	n.reboot()
	n.configure("", `port_mappings = [{ host = 18123, container = 8080 }]`)
	n.docker("rmi", "-f", n.image+"@"+n.digest)
	if log, code, _ := n.launch("GIT_LAUNCHER_TEST_RUN=" + strings.ReplaceAll(once, "$0", "second")); code != 0 {
		t.Fatalf("exit code %d\n%s", code, log)
	}
	n.sound("after the launch that replaces the container")

	t.Run("for ever", func(t *testing.T) {
		n.docker("rm", "-f", n.name)
		n.docker("image", "prune", "-af")
		log, code, _ := n.launch("GIT_LAUNCHER_TEST_RUN="+pruneAll, "GIT_LAUNCHER_TEST_AT=pulled")
		if code != 7 || strings.Count(log, "pulled and proven") != 3 || !strings.Contains(log, "docker image prune") {
			t.Errorf("exit code %d\n%s", code, log)
		}
	})
}

// TestImageKillAnywhere kills the launcher at every stage of a first launch and of one
// that replaces the container, and starts it again.
// SECURITY.md: D6.
func TestImageKillAnywhere(t *testing.T) {
	t.Parallel()
	n := newNode(t, programs(t), nil)
	stages := filepath.Join(n.dir, "stages")
	if log, code, _ := n.launch("GIT_LAUNCHER_TEST_STAGES=" + stages); code != 0 {
		t.Fatalf("exit code %d\n%s", code, log)
	}
	n.keep()
	data, err := os.ReadFile(stages)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for i, stage := range strings.Fields(string(data)) {
		seen++
		// A new boot, other settings and no image: all stages are gone through again.
		n.docker("kill", n.name)
		n.reboot()
		n.configure("", fmt.Sprintf(`port_mappings = [{ host = %d, container = 8080 }]`, 18200+i))
		n.docker("rmi", "-f", n.image+"@"+n.digest)
		if log, _, killed := n.launch("GIT_LAUNCHER_TEST_KILL=" + stage); !killed {
			t.Fatalf("%s: was not killed there\n%s", stage, log)
		}
		if got, events := n.state(), n.events(); got == "running" && events != onceMeasured {
			t.Errorf("%s: the container runs, and the register holds %q", stage, events)
		}
		// What a reboot does: nothing comes up by itself.
		if log, code, _ := n.launch(); code != 0 {
			t.Errorf("%s: the restart ends with %d\n%s", stage, code, log)
		}
		n.sound("after a kill at " + stage)
	}
	if seen < 6 {
		t.Errorf("only the stages %q were seen", data)
	}
}

// TestEngineRestart shows the hole of launchers that leave starting to Docker: after a
// restart of the Engine, a container with a restart policy runs before anybody could
// measure it. Ours does not; and the launcher stops one that does.
// SECURITY.md: D1.
func TestEngineRestart(t *testing.T) {
	t.Parallel()
	n := newNode(t, programs(t), nil)
	cmd, log := n.start(nil)
	n.await("a running node", func() bool { return n.state() == "running" })
	cmd.Process.Kill() // the launcher's own container ends with the VM
	cmd.Wait()
	n.keep()
	if n.state() != "running" {
		t.Fatalf("%s", log)
	}
	n.reboot()
	if err := n.engine.Restart(); err != nil {
		t.Fatal(err)
	}
	if got := n.state(); got != "exited" {
		t.Errorf("after a restart of the Engine the container is %s", got)
	}
	if got := n.events(); got != "" {
		t.Errorf("events %q", got)
	}

	// The same container as other launchers make it.
	n.docker("update", "--restart", "unless-stopped", n.name)
	n.docker("start", n.name)
	n.reboot()
	if err := n.engine.Restart(); err != nil {
		t.Fatal(err)
	}
	n.await("the hole: a node that nobody measured", func() bool { return n.state() == "running" })
	if got := n.events(); got != "" {
		t.Errorf("events %q", got)
	}
	if log, code, _ := n.launch(); code != 0 || !strings.Contains(log, "was not measured in this boot") {
		t.Errorf("exit code %d\n%s", code, log)
	}
	n.sound("after the launch")
	if got := n.docker("inspect", "-f", "{{.HostConfig.RestartPolicy.Name}}", n.name); got != "no" {
		t.Errorf("restart policy %s", got)
	}

	// The Engine restarts while the launcher runs, and the node fails from that: the
	// launcher starts the node again.
	n.configure("ungraceful 9")
	cmd, log = n.start(nil)
	n.await("the supervisor", func() bool { return strings.Contains(log.String(), "container started") })
	if err := n.engine.Restart(); err != nil {
		t.Fatal(err)
	}
	n.await("a node that runs again", func() bool {
		return strings.Contains(log.String(), "starting it again") && n.state() == "running"
	})
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 9 {
		t.Errorf("%v\n%s", err, log)
	}
}

// TestEngineFails: each thing that can go wrong while the Engine pulls ends the launch
// with its own reason.
// SECURITY.md: R1, R4.
func TestEngineFails(t *testing.T) {
	t.Parallel()
	bin := programs(t)
	layer := func(n *node) string { // of the image
		m, err := readManifest(n)
		if err != nil {
			n.Fatal(err)
		}
		return m.Layers[0].Digest
	}
	fault := func(n *node, kind string) {
		n.registry.Misbehave(&regtest.Fault{Kind: kind, Path: "/blobs/" + layer(n)})
	}
	t.Run("registry", func(t *testing.T) {
		n := newNode(t, bin, nil)
		for _, c := range []struct {
			kind, text string
			code       int
		}{
			{"other-bytes", "verification failed", 4},
			{"403", "", 3},
			{"404", "", 3},
			{"hang", "no progress within 1s", 3},
		} {
			fault(n, c.kind)
			cmd, log := n.start(nil, "--stall-timeout", "1s")
			cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); code != c.code || !strings.Contains(log.String(), c.text) {
				t.Errorf("%s: exit code %d\n%s", c.kind, code, log)
			}
			if n.state() != "" || n.events() != "" {
				t.Errorf("%s: a container %q, events %q", c.kind, n.state(), n.events())
			}
		}
	})
	t.Run("dies", func(t *testing.T) {
		n := newNode(t, bin, nil)
		fault(n, "hang")
		cmd, log := n.start(nil)
		n.registry.Requests()
		n.await("a pull under way", func() bool {
			for _, r := range n.registry.Requests() {
				if strings.Contains(r.Path, layer(n)) {
					return true
				}
			}
			return false
		})
		n.docker("network", "rm", n.name+"_default") // nobody could afterwards
		n.engine.Kill()
		cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 7 || !strings.Contains(log.String(), "it broke the connection") {
			t.Errorf("exit code %d\n%s", code, log)
		}
		if n.events() != "" {
			t.Errorf("events %q", n.events())
		}
	})
	t.Run("disk full", func(t *testing.T) {
		n := newNode(t, bin, func(dir string) {
			data := filepath.Join(dir, "data")
			if err := os.Mkdir(data, 0o755); err != nil {
				t.Fatal(err)
			}
			testenv.Tmpfs(t, data, "size=4m")
		})
		log, code, _ := n.launch()
		if code != 7 || !strings.Contains(log, "make room on the disk of the Docker Engine") {
			t.Errorf("exit code %d\n%s", code, log)
		}
		if n.state() != "" || n.events() != "" {
			t.Errorf("a container %q, events %q", n.state(), n.events())
		}
	})
}

// readManifest returns the approved image's manifest from the registry.
func readManifest(n *node) (m struct {
	Layers []struct{ Digest string }
}, err error) {
	out, err := exec.Command("curl", "-sf", "http://"+n.registry.Host+"/v2/near/node/manifests/"+n.digest).Output()
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(out, &m)
}

//go:build image

package test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/gittest"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// world is the surroundings of a launch in a container: a registry, a Git server that
// containers reach, and a guest agent's socket.
type world struct {
	reg, launcher string // the registry's address, and the name of git mode's image in it
	server        *gittest.Server
	stopServer    func()
	repo          *gittest.Repo
	url, sock     string
	network, dir  string
	halt          func() // ends the guest agent
	dstack        string // its version
}

// script is the workload of most tests. It shows what a workload may rely on: it is PID 1,
// gets signals, and can write to its volume and nowhere else.
const script = `echo "workload: pid $$ uid $(id -u) commit $GIT_LAUNCHER_COMMIT"
touch /etc/anything 2>/dev/null && echo "workload: the root file system is writable"
touch "$GIT_LAUNCHER_WORK_DIR/../state" && echo "workload: the volume is writable"
echo "workload: capabilities $(sed -n 's/^CapEff:\t//p' /proc/self/status)"
trap 'echo "workload: got TERM"; exit 7' TERM
[ -n "$ONCE" ] && exit "$ONCE"
echo "workload: waiting"
while :; do sleep 0.1; done
`

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{reg: registry(t), dir: t.TempDir(), dstack: "0.5"}
	w.launcher = pulled(t, w.reg, "git-launcher")
	var err error
	if w.repo, err = gittest.NewRepo(filepath.Join(w.dir, "srv/workload.git")); err != nil {
		t.Fatal(err)
	}
	w.server = &gittest.Server{Root: filepath.Join(w.dir, "srv")}
	// Containers on this network reach this machine at the gateway.
	w.network = docker(t, "network", "create", unique("net"))
	t.Cleanup(func() { run(t, "docker", "network", "rm", w.network) })
	host := docker(t, "network", "inspect", w.network, "--format", "{{(index .IPAM.Config 0).Gateway}}")
	url, stop, err := w.server.Start(host + ":0")
	if err != nil {
		t.Fatal(err)
	}
	w.url, w.stopServer = url+"/workload.git", stop
	t.Cleanup(stop)
	w.sock = filepath.Join(w.dir, "dstack.sock")
	w.measure(t, "services: {}\n")
	w.boot(t)
	return w
}

// measure sets the compose file that the guest agent measures at its next boot.
func (w *world) measure(t *testing.T, text string) {
	t.Helper()
	app, err := json.Marshal(map[string]any{"manifest_version": 2, "name": "test", "runner": "docker-compose", "docker_compose_file": text})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(w.dir, "app-compose.json"), string(app))
}

// boot starts a guest agent with a new register. It ends the one before.
func (w *world) boot(t *testing.T) {
	t.Helper()
	if w.halt != nil {
		w.halt()
	}
	w.halt = start(t, filepath.Join(top, "bin/dstack-sim"), "--dstack", w.dstack, "--socket", w.sock, "--app-compose", filepath.Join(w.dir, "app-compose.json"))
	await(t, "the guest agent", func() bool {
		c, err := net.Dial("unix", w.sock)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// commit makes a commit of one script and returns a config that pins it.
func (w *world) commit(t *testing.T, text string) (id, config string) {
	t.Helper()
	id, err := w.repo.Commit("main", "workload", gittest.File{Path: "entrypoint.sh", Content: text})
	if err != nil {
		t.Fatal(err)
	}
	return id, fmt.Sprintf("REPO_URL=%s\nCOMMIT_SHA=%s\n", w.url, id)
}

// hardened has the strictest flags that a launch works with.
var hardened = []string{"--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp:exec", "--tmpfs=/run/git-launcher"}

// container creates a container, which the test's cleanup removes.
func (w *world) container(t *testing.T, config, image string, flags ...string) string {
	t.Helper()
	name := unique("run")
	args := append([]string{"create", "--name", name, "--network", w.network, "--volume", w.sock + ":/var/run/dstack.sock"}, hardened...)
	if config != "" {
		file := filepath.Join(t.TempDir(), "config.conf")
		write(t, file, config)
		args = append(args, "--volume", file+":/etc/git-launcher/config.conf:ro")
	}
	docker(t, append(append(args, flags...), image)...)
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := run(t, "docker", "logs", name)
			t.Logf("%s:\n%s", name, out)
		}
		run(t, "docker", "rm", "--force", "--volumes", name)
	})
	return name
}

func (w *world) volume(t *testing.T) string {
	t.Helper()
	name := docker(t, "volume", "create", unique("volume"))
	t.Cleanup(func() { run(t, "docker", "volume", "rm", "--force", name) })
	return "--volume=" + name + ":/var/lib/git-launcher"
}

// logs waits until a container's log has the text that many times, and returns the log.
func logs(t *testing.T, container, text string, times int) string {
	t.Helper()
	var out string
	await(t, fmt.Sprintf("%q (%d times) in the log", text, times), func() bool {
		out, _ = run(t, "docker", "logs", container)
		return strings.Count(out, text) >= times
	})
	return out
}

func has(t *testing.T, out string, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in:\n%s", want, out)
		}
	}
}

// launches returns the git-launch events in the guest agent's log, which must replay to
// the register.
func (w *world) launches(t *testing.T) (records []measure.Event) {
	t.Helper()
	c, err := dstack.New(w.sock, 5*time.Second, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	state, err := c.State(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	events, err := state.Log.Replay()
	if err != nil || measure.End(events) != state.RTMR3 {
		t.Fatalf("the log does not replay to the register: %v", err)
	}
	for _, e := range events {
		if e.Name == measure.EventLaunch {
			records = append(records, measure.Event{Name: e.Name, Payload: e.Payload})
		}
	}
	return records
}

func TestMountedConfig(t *testing.T) {
	w := newWorld(t)
	id, config := w.commit(t, script)
	c := w.container(t, config, w.launcher, w.volume(t))
	docker(t, "start", c)
	out := logs(t, c, "workload: waiting", 1)
	has(t, out, "HEAD verified: "+id, "workload: pid 1 uid 0 commit "+id, "the volume is writable", "capabilities 0000000000000000")
	if strings.Contains(out, "root file system is writable") {
		t.Error("the root file system is writable")
	}
	if n := len(w.launches(t)); n != 1 {
		t.Errorf("%d launches are measured", n)
	}
	receipt := docker(t, "exec", c, "cat", "/run/git-launcher/receipt.json")
	fresh := docker(t, "exec", c, "git-launcher", "receipt", "--nonce", "00ff")
	for _, r := range []string{receipt, fresh} {
		if got := record(t, r).Commit; got != id {
			t.Errorf("a receipt is of commit %s", got)
		}
	}

	// docker stop reaches the workload, which decides its own exit code.
	began := time.Now()
	docker(t, "stop", "--time", "10", c)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("docker stop took %v", took)
	}
	has(t, logs(t, c, "workload: got TERM", 1))
	if code := docker(t, "inspect", "--format", "{{.State.ExitCode}}", c); code != "7" {
		t.Errorf("the exit code is %s, not the workload's", code)
	}

	// A restart in the same boot needs no network, measures nothing again, and undoes changes
	// of the checkout.
	w.stopServer()
	docker(t, "start", c)
	logs(t, c, "workload: waiting", 2)
	docker(t, "exec", c, "sh", "-c", "echo echo evil >/var/lib/git-launcher/workload/entrypoint.sh")
	docker(t, "restart", "--time", "5", c)
	out = logs(t, c, "workload: waiting", 3)
	has(t, out, "fetched=false", "new=0")
	if strings.Contains(out, "evil") || len(w.launches(t)) != 1 {
		t.Errorf("a changed script ran, or a launch was measured again:\n%s", out)
	}
}

type launchRecord struct {
	Commit       string `json:"commit"`
	ConfigSHA256 string `json:"config_sha256"`
	Launcher     string `json:"launcher"`
}

func record(t *testing.T, receipt string) (r launchRecord) {
	t.Helper()
	var outer struct {
		Record string `json:"record"`
	}
	if err := json.Unmarshal([]byte(receipt), &outer); err != nil {
		t.Fatalf("%v in %s", err, receipt)
	}
	if err := json.Unmarshal([]byte(outer.Record), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestDerived builds the example of a derived image, which has the config inside.
func TestDerived(t *testing.T) {
	w := newWorld(t)
	id, config := w.commit(t, script)
	dir := t.TempDir()
	example, err := os.ReadFile(filepath.Join(top, "image/derived/Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "Dockerfile"), strings.Replace(string(example), placeholder, w.launcher, 1))
	write(t, filepath.Join(dir, "config.conf"), config)
	image := unique("derived")
	t.Cleanup(func() { run(t, "docker", "rmi", "--force", image) })
	docker(t, "build", "--quiet", "--tag", image, dir)
	c := w.container(t, "", image, w.volume(t), "--env", "ONCE=3")
	docker(t, "start", c)
	if code := docker(t, "wait", c); code != "3" {
		t.Errorf("the exit code is %s, not the workload's", code)
	}
	has(t, logs(t, c, "workload:", 1), "commit "+id)
	sum := sha256.Sum256([]byte(config))
	records := w.launches(t)
	if len(records) != 1 || !strings.Contains(string(records[0].Payload), `"config_sha256":"`+hex.EncodeToString(sum[:])+`"`) {
		t.Errorf("the records do not name the config: %s", records)
	}
}

// TestNotRoot runs the launcher and the workload as a user without any rights.
func TestNotRoot(t *testing.T) {
	w := newWorld(t)
	id, config := w.commit(t, script)
	if err := os.Chmod(w.sock, 0o666); err != nil { // the mode that dstack's guest agent sets
		t.Fatal(err)
	}
	c := w.container(t, config, w.launcher, w.volume(t), "--user", "65534:65534", "--env", "ONCE=0")
	docker(t, "start", c)
	if code := docker(t, "wait", c); code != "0" {
		t.Errorf("the exit code is %s", code)
	}
	has(t, logs(t, c, "workload:", 1), "workload: pid 1 uid 65534 commit "+id, "the volume is writable")
}

// TestStopWhileFetching: the launcher ends on a signal, though the kernel has no default
// action for PID 1.
func TestStopWhileFetching(t *testing.T) {
	w := newWorld(t)
	_, config := w.commit(t, script)
	hang, err := gittest.ParseFault("never")
	if err != nil {
		t.Fatal(err)
	}
	w.server.Misbehave(hang)
	c := w.container(t, config, w.launcher, w.volume(t))
	docker(t, "start", c)
	await(t, "a request", func() bool { return len(w.server.Requests()) > 0 })
	began := time.Now()
	docker(t, "stop", "--time", "10", c)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("docker stop took %v", took)
	}
	out := logs(t, c, "signal", 1)
	if strings.Contains(out, "workload:") || len(w.launches(t)) != 0 {
		t.Errorf("something ran or was measured:\n%s", out)
	}
}

// TestRestartPolicies: on-failure gives up on a commit that does not exist; always starts a
// workload again that has ended.
func TestRestartPolicies(t *testing.T) {
	w := newWorld(t)
	id, config := w.commit(t, script)
	c := w.container(t, strings.Replace(config, id, strings.Repeat("ab", 20), 1), w.launcher, w.volume(t), "--restart", "on-failure:2")
	docker(t, "start", c)
	await(t, "the end of the tries", func() bool {
		return docker(t, "inspect", "--format", "{{.RestartCount}} {{.State.Status}}", c) == "2 exited"
	})
	if out := logs(t, c, "FAILED to ", 3); strings.Contains(out, "workload: pid") {
		t.Errorf("the workload ran:\n%s", out)
	}
	c = w.container(t, config, w.launcher, w.volume(t), "--restart", "always", "--env", "ONCE=0")
	docker(t, "start", c)
	logs(t, c, "workload: pid 1", 2)
	docker(t, "update", "--restart=no", c)
	if n := len(w.launches(t)); n != 1 {
		t.Errorf("%d launches are measured in one boot", n)
	}
}

// TestDefinition checks the images' configs and their files.
// SECURITY.md: B2.
func TestDefinition(t *testing.T) {
	reg := registry(t)
	for name, want := range map[string]string{
		"git-launcher":       `["/usr/bin/git-launcher"] null  map[]`,
		"git-launcher-image": `["/git-launcher","image"] null  map[]`,
	} {
		ref := pulled(t, reg, name)
		got := docker(t, "inspect", "--format", "{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Config.User}} {{.Config.Volumes}}", ref)
		if got != want {
			t.Errorf("%s is %s", name, got)
		}
		docker(t, "run", "--rm", "--entrypoint="+strings.Split(want, `"`)[1], "--network=none", ref, "version")
	}
	list, err := os.ReadFile(filepath.Join(top, "bin/image/git-launcher-image.files"))
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for line := range strings.Lines(string(list)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		paths = append(paths, f[len(f)-1])
	}
	if want := []string{"/etc", "/etc/ssl", "/etc/ssl/certs", "/etc/ssl/certs/ca-certificates.crt", "/git-launcher"}; !slices.Equal(paths, want) {
		t.Errorf("image mode's image has %q", paths)
	}
	list, err = os.ReadFile(filepath.Join(top, "bin/image/git-launcher.files"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(list)) {
		f := strings.Split(line, "\t")
		if f[5] == "" || f[0] == "f" && f[1][0] > '1' {
			t.Errorf("without an origin, or setuid: %s", line)
		}
	}
	// The programs that a workload may rely on do run.
	ref := reg + "/git-launcher@" + strings.TrimSpace(string(digest(t, "git-launcher")))
	pulled(t, reg, "git-launcher")
	has(t, docker(t, "run", "--rm", "--network=none", "--entrypoint=bash", ref, "-c",
		"git --version && curl --version && ssh -V && sha256sum --version && perl -e 'print qq(perl\\n)' && dpkg --audit && awk 'BEGIN{print 1}'"),
		"git version", "curl ", "OpenSSH", "coreutils", "perl")
}

func digest(t *testing.T, name string) []byte {
	t.Helper()
	d, err := os.ReadFile(filepath.Join(top, "bin/image", name+".digest"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

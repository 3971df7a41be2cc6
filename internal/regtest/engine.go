package regtest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// ErrNoDockerd says that a private Docker Engine can't be started here.
var ErrNoDockerd = errors.New("a private Docker Engine needs dockerd and root")

// Engine is a Docker Engine of its own, for tests that prune, restart or kill one.
// Its containers run for real.
type Engine struct {
	Socket  string
	dir     string
	bridge  string // its default network's; without one of its own, dockerd takes the machine's docker0 away
	binds   []string
	process *exec.Cmd
	log     bytes.Buffer
}

// StartEngine runs dockerd with all its state in dir, which must be short enough
// for a socket's path. It sees each SOURCE:TARGET of binds at its target, as if they
// were there on the machine. Where /run is among those, its socket is at
// /run/docker.sock in its eyes, as on any machine.
func StartEngine(dir string, binds ...string) (*Engine, error) {
	if _, err := exec.LookPath("dockerd"); err != nil || os.Geteuid() != 0 {
		return nil, ErrNoDockerd
	}
	e := &Engine{Socket: filepath.Join(dir, "d.sock"), dir: dir, bridge: fmt.Sprintf("gl%x", rand.Uint32()), binds: binds}
	for _, b := range binds {
		if source, target, _ := strings.Cut(b, ":"); target == "/run" {
			e.Socket = filepath.Join(source, "docker.sock")
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "daemon.json"), []byte("{}"), 0o600); err != nil {
		return nil, err
	}
	if out, err := exec.Command("ip", "link", "add", e.bridge, "type", "bridge").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("making a bridge: %w: %s", err, out)
	}
	if out, err := exec.Command("ip", "addr", "add", "10.212.0.1/24", "dev", e.bridge).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("making a bridge: %w: %s", err, out)
	}
	return e, e.start()
}

func (e *Engine) start() error {
	in := func(name string) string { return filepath.Join(e.dir, name) }
	socket, script := e.Socket, ""
	for _, b := range e.binds {
		source, target, _ := strings.Cut(b, ":")
		script += fmt.Sprintf("mount --bind %s %s && ", source, target)
		if target == "/run" {
			socket = "/run/docker.sock"
		}
	}
	e.process = exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c", script+`exec dockerd "$@"`, "sh", "--config-file", in("daemon.json"), "--data-root", in("data"), "--exec-root", in("exec"),
		"--pidfile", in("pid"), "-H", "unix://"+socket, "-s", "vfs", "--bridge="+e.bridge, "--iptables=false", "--ip-forward=false", "--ip-masq=false",
		"--default-address-pool", "base=10.213.0.0/16,size=24", "--shutdown-timeout", "1")
	e.process.Stdout, e.process.Stderr = &e.log, &e.log
	e.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := e.process.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := e.Docker("version"); err == nil {
			return nil
		}
		if time.Now().After(end) {
			e.Kill()
			return fmt.Errorf("dockerd does not start: %s", e.log.Bytes())
		}
	}
}

// Docker runs the docker command against it.
func (e *Engine) Docker(args ...string) (string, error) {
	cmd := exec.Command("docker", args...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST=unix://"+e.Socket)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("docker %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), err
}

// Kill ends it as a crash would, and its containerd with it.
func (e *Engine) Kill() {
	syscall.Kill(-e.process.Process.Pid, syscall.SIGKILL)
	e.process.Wait()
}

// Restart ends it as an orderly reboot would, and starts it again.
func (e *Engine) Restart() error {
	e.process.Process.Signal(syscall.SIGTERM)
	e.process.Wait()
	return e.start()
}

// Stop removes its containers and networks and ends it.
func (e *Engine) Stop() {
	if ids, _ := e.Docker("ps", "-aq"); ids != "" {
		e.Docker(append([]string{"rm", "-f", "-v"}, strings.Fields(ids)...)...)
	}
	e.Docker("network", "prune", "-f")
	e.process.Process.Signal(syscall.SIGTERM)
	e.process.Wait()
	exec.Command("ip", "link", "delete", e.bridge).Run()
}

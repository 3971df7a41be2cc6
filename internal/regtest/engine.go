package regtest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNoDockerd says that a private Docker Engine can't be started here.
var ErrNoDockerd = errors.New("a private Docker Engine needs dockerd and root")

// Engine is a private Docker Engine, for tests that prune, restart or kill one. Its
// containers really run.
type Engine struct {
	Socket  string
	dir     string
	binds   []string
	netns   string // its network namespace: its bridges are not the machine's
	process *exec.Cmd
	log     bytes.Buffer
}

// StartEngine runs dockerd with all its state in dir, which must be short enough for a
// socket's path. It sees each SOURCE:TARGET of binds at its target, as if they were
// there on the machine. If /run is among those targets, it sees its socket at
// /run/docker.sock, as on any machine.
func StartEngine(dir string, binds ...string) (*Engine, error) {
	return StartConfigured(dir, "{}", binds...)
}

// StartConfigured is [StartEngine] with a daemon.json.
func StartConfigured(dir, daemonJSON string, binds ...string) (*Engine, error) {
	if _, err := exec.LookPath("dockerd"); err != nil || os.Geteuid() != 0 {
		return nil, ErrNoDockerd
	}
	e := &Engine{Socket: filepath.Join(dir, "d.sock"), dir: dir, binds: binds, netns: "gl" + strings.ToLower(rand.Text()[:8])}
	for _, b := range binds {
		if source, target, _ := strings.Cut(b, ":"); target == "/run" {
			e.Socket = filepath.Join(source, "docker.sock")
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "daemon.json"), []byte(daemonJSON), 0o600); err != nil {
		return nil, err
	}
	for _, args := range [][]string{{"netns", "add", e.netns}, {"-n", e.netns, "link", "set", "lo", "up"}} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ip %s: %w\n%s", strings.Join(args, " "), err, out)
		}
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
	e.process = exec.Command("nsenter", "--net=/run/netns/"+e.netns, "unshare", "--mount", "--propagation", "private", "sh", "-c", script+`exec dockerd "$@"`, "sh", "--config-file", in("daemon.json"), "--data-root", in("data"), "--exec-root", in("exec"),
		"--pidfile", in("pid"), "-H", "unix://"+socket, "-s", "vfs", "--iptables=false", "--ip-forward=false", "--ip-masq=false",
		"--shutdown-timeout", "1")
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

// Address is an address in the Engine's network that its containers reach, too.
const Address = "10.212.0.1"

// Listen listens at an address that the Engine and its containers see: its loopback is
// not the machine's, nor is Address.
func (e *Engine) Listen(address string) (net.Listener, error) {
	exec.Command("ip", "-n", e.netns, "addr", "add", Address+"/32", "dev", "lo").Run() // may be there
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, err
	}
	defer home.Close()
	there, err := os.Open("/run/netns/" + e.netns)
	if err != nil {
		return nil, err
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", address)
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		panic(back) // this thread would continue in the wrong network
	}
	return l, err
}

// Forward passes connections on to an address of the machine, until the listener is
// closed.
func Forward(l net.Listener, to string) {
	for {
		from, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer from.Close()
			c, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			defer c.Close()
			go io.Copy(c, from)
			io.Copy(from, c)
		}()
	}
}

// Docker runs the docker command against the Engine.
func (e *Engine) Docker(args ...string) (string, error) {
	cmd := exec.Command("docker", args...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST=unix://"+e.Socket)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("docker %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), err
}

// Kill ends the Engine as a crash would, and its containerd with it.
func (e *Engine) Kill() {
	syscall.Kill(-e.process.Process.Pid, syscall.SIGKILL)
	e.process.Wait()
}

// Restart ends the Engine as an orderly reboot would, and starts it again.
func (e *Engine) Restart() error {
	e.process.Process.Signal(syscall.SIGTERM)
	e.process.Wait()
	return e.start()
}

// Stop removes the Engine's containers and networks, and ends it.
func (e *Engine) Stop() {
	if ids, _ := e.Docker("ps", "-aq"); ids != "" {
		e.Docker(append([]string{"rm", "-f", "-v"}, strings.Fields(ids)...)...)
	}
	e.Docker("network", "prune", "-f")
	e.process.Process.Signal(syscall.SIGTERM)
	e.process.Wait()
	exec.Command("ip", "netns", "del", e.netns).Run()
}

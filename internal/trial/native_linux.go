package trial

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"gitlauncher/internal/author"
	"gitlauncher/internal/sim"
)

// native is this machine.
type native struct{ launcher string }

// Native returns a machine that launches on this one, with the launcher at this path.
func Native(launcher string) (Machine, error) { return &native{launcher}, nil }

func (*native) place(t *trial) (repo string, sets []string, image string) {
	return t.source.Dir, []string{"WORK_DIR=" + filepath.Join(t.dir, "workload")}, author.ImagePlaceholder
}

func (n *native) boot(ctx context.Context, d *deployment) (shutdown func(), err error) {
	app, err := os.ReadFile(d.file("app-compose.json"))
	if err != nil {
		return nil, err
	}
	m, err := sim.New(sim.Options{Dstack: d.Line, AppCompose: app, Seed: "git-launcher-dev", Now: time.Now(), TEETCBSVN: [16]byte{3, 1}})
	if err != nil {
		return nil, err
	}
	collateral, err := m.Collateral()
	if err != nil {
		return nil, err
	}
	for name, data := range map[string][]byte{"root.pem": m.RootPEM(), "collateral.json": collateral, "system.conf": m.Policy()} {
		if err := os.WriteFile(d.file(name), data, 0o644); err != nil {
			return nil, err
		}
	}
	// It outlives the context: a workload that is told to end may still ask it.
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- m.Serve(serving, d.file("dstack.sock"), func() { close(ready) }) }()
	select {
	case <-ready:
		return func() { cancel(); <-ended }, nil
	case err := <-ended:
		cancel()
		return nil, err
	}
}

func (*native) instead() map[string]string {
	return map[string]string{"WRITABLE ROOT FILE SYSTEM": "NOTE: this machine stands in for a container that can't be changed (read_only), and can be changed itself: what one launch leaves here, the next one finds. --docker launches in such a container"}
}

// patience is how long a workload that was told to end may take, as docker stop has it.
const patience = 10 * time.Second

func (n *native) launch(_ context.Context, d *deployment, logs io.Writer) (*process, error) {
	cmd := exec.Command(n.launcher, "--log-format", "json", "--dstack-endpoint", d.file("dstack.sock"), "--receipt", d.file("receipt.json"), d.file("config.conf"))
	cmd.Stdout, cmd.Stderr = d.Stdout, logs
	// It gets its own process group: on Ctrl-C the workload gets SIGTERM, as in a VM,
	// and nothing that it started stays behind.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second // for what keeps the streams open
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", n.launcher, err)
	}
	gone := make(chan struct{})
	return &process{
		wait: func() int {
			cmd.Wait() // its exit code is read below
			close(gone)
			syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			if s := cmd.ProcessState; s != nil && s.ExitCode() >= 0 {
				return s.ExitCode()
			}
			return 128 + int(cmd.ProcessState.Sys().(syscall.WaitStatus).Signal())
		},
		stop: func() {
			syscall.Kill(cmd.Process.Pid, syscall.SIGTERM)
			select {
			case <-gone:
			case <-time.After(patience):
				syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			}
		},
	}, nil
}

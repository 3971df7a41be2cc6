package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gitlauncher/internal/author"
)

// docker is a Docker Engine, which runs the deployment's own compose file. An override
// changes only what can't be the same on a laptop: where the repository and the guest
// agent are, and images that no registry has.
type docker struct {
	compose         []string // the program, with its first arguments
	image, simImage string
	publish         []string // ports, as a compose file has them
	project         string
}

// ErrNoCompose says that the machine lacks Docker Compose 2.
var ErrNoCompose = errors.New("neither docker compose nor docker-compose is Docker Compose 2 or later; see https://docs.docker.com/compose/install/")

// Docker returns a machine that launches on a Docker Engine. The images are named as
// the Engine knows them, ports as a compose file has them.
func Docker(ctx context.Context, image, simImage string, publish []string) (Machine, error) {
	d := &docker{image: image, simImage: simImage, publish: publish}
	for _, program := range [][]string{{"docker", "compose"}, {"docker-compose"}} {
		out, err := exec.CommandContext(ctx, program[0], append(program[1:], "version", "--short")...).Output()
		if v := strings.TrimPrefix(strings.TrimSpace(string(out)), "v"); err == nil && !strings.HasPrefix(v, "1.") {
			d.compose = program
			break
		}
	}
	if d.compose == nil {
		return nil, ErrNoCompose
	}
	for _, name := range []string{image, simImage} {
		if out, err := exec.CommandContext(ctx, "docker", "image", "inspect", "--format", "{{.Id}}", name).CombinedOutput(); err != nil {
			return nil, &NoImageError{name, strings.TrimSpace(string(out))}
		}
	}
	return d, nil
}

// NoImageError says that the Docker Engine lacks an image, or can't be asked for it.
type NoImageError struct{ Name, Said string }

func (e *NoImageError) Error() string {
	return fmt.Sprintf("the Docker Engine has no image %s (%.200s)", e.Name, e.Said)
}

func (d *docker) place(*trial) (repo string, sets []string, image string) {
	if strings.Contains(d.image, "@sha256:") {
		return "/repo", nil, d.image
	}
	return "/repo", nil, author.ImagePlaceholder
}

func (*docker) instead() map[string]string { return nil } // it is a container as in a VM

// override returns what is laid over the compose file.
func (d *docker) override(t *deployment) string {
	return fmt.Sprintf(`services:
  app:
    image: %[1]q
    restart: "no"
    ports: [%[6]s]
    command: [--log-format, json, --receipt-log=false, --receipt, /evidence/receipt.json, --dstack-endpoint, /run/agent/dstack.sock]
    volumes: !override
      - {type: bind, source: %[3]q, target: /repo, read_only: true}
      - {type: bind, source: %[4]q, target: /evidence}
      - agent:/run/agent
      - workload:/var/lib/git-launcher
  agent:
    image: %[2]q
    command: [--dstack, %[5]q, --socket, /run/agent/dstack.sock, --app-compose, /evidence/app-compose.json, --root-out, /evidence/root.pem, --collateral-out, /evidence/collateral.json, --policy-out, /evidence/system.conf]
    volumes:
      - {type: bind, source: %[4]q, target: /evidence}
      - agent:/run/agent
volumes:
  agent:
`, d.image, d.simImage, noVariable(t.source.Dir), noVariable(t.dir), string(t.Line), d.ports())
}

func (d *docker) ports() string {
	var quoted []string
	for _, port := range d.publish {
		quoted = append(quoted, fmt.Sprintf("%q", noVariable(port)))
	}
	return strings.Join(quoted, ", ")
}

// noVariable escapes a path so that Compose fills in no variables.
func noVariable(path string) string { return strings.ReplaceAll(path, "$", "$$") }

// command returns a command of Compose with the deployment's files.
func (d *docker) command(ctx context.Context, t *deployment, args ...string) *exec.Cmd {
	args = append([]string{"--project-name", d.project, "--file", t.file("docker-compose.yaml"), "--file", t.file("override.yaml")}, args...)
	cmd := exec.CommandContext(ctx, d.compose[0], append(d.compose[1:], args...)...)
	cmd.Env = append(os.Environ(), "COMPOSE_MENU=0", "COMPOSE_PROGRESS=quiet")
	return cmd
}

func (d *docker) boot(ctx context.Context, t *deployment) (shutdown func(), err error) {
	d.project = strings.ToLower(filepath.Base(t.trial.dir))
	if err := os.WriteFile(t.file("override.yaml"), []byte(d.override(t)), 0o644); err != nil {
		return nil, err
	}
	// A container's root can't override permissions here, and its files are its own. So
	// anyone may write into this folder, which lies in one that only we can enter.
	if err := os.Chmod(t.dir, 0o777); err != nil {
		return nil, err
	}
	shutdown = func() {
		args := []string{"down", "--timeout", "2"}
		if !t.Watch {
			args = append(args, "--volumes")
		}
		d.command(context.WithoutCancel(ctx), t, args...).Run()
	}
	out, err := d.command(ctx, t, "up", "--detach", "agent").CombinedOutput()
	if err != nil {
		shutdown()
		return nil, fmt.Errorf("%w: %s", err, lastLine(out))
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		out, err := d.command(ctx, t, "logs", "--no-log-prefix", "agent").CombinedOutput()
		if err == nil && bytes.Contains(out, []byte("listening on")) {
			return shutdown, nil
		}
		if err != nil || time.Now().After(end) {
			shutdown()
			return nil, fmt.Errorf("it did not come up: %s", lastLine(out))
		}
	}
}

func (d *docker) launch(ctx context.Context, t *deployment, logs io.Writer) (*process, error) {
	ctx = context.WithoutCancel(ctx) // stop ends it
	if out, err := d.command(ctx, t, "up", "--detach", "--no-deps", "app").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, lastLine(out))
	}
	id, err := d.command(ctx, t, "ps", "--all", "--quiet", "app").Output()
	if err != nil {
		return nil, fmt.Errorf("finding the container: %w", err)
	}
	container := strings.TrimSpace(string(id))
	follow := exec.CommandContext(ctx, "docker", "logs", "--follow", container)
	follow.Stdout, follow.Stderr = t.Stdout, logs
	if err := follow.Start(); err != nil {
		return nil, err
	}
	return &process{
		wait: func() int {
			follow.Wait() // ends with the container
			out, err := exec.CommandContext(ctx, "docker", "wait", container).Output()
			code, parsed := strconv.Atoi(strings.TrimSpace(string(out)))
			if err != nil || parsed != nil {
				return 1 // somebody removed it
			}
			return code
		},
		stop: func() {
			exec.CommandContext(ctx, "docker", "stop", "--time", "10", container).Run()
		},
	}, nil
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}

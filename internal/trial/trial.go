package trial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/author"
	"gitlauncher/internal/cli"
	"gitlauncher/internal/clone"
	"gitlauncher/internal/digest"
	"gitlauncher/internal/lint"
	"gitlauncher/internal/sim"
	"gitlauncher/policy"
)

// Options says what to try, and how.
type Options struct {
	Clone    *clone.Clone
	Machine  Machine
	Line     sim.Line // of dstack
	Sets     []string // further lines of the config
	Watch    bool     // launch again when the folder changes
	Keep     string   // a folder for the evidence of the last launch, or ""
	Verifier string   // the program

	Say            func(format string, args ...any) // a line for people
	Stdout, Stderr io.Writer
}

// Machine is what stands in for a VM.
type Machine interface {
	// place returns where the launcher finds the copied repository, the lines of the
	// config that say where it puts the workload, and the image that the compose file
	// names.
	place(t *trial) (repo string, sets []string, image string)
	// boot starts a guest agent that has measured the deployment. It leaves root.pem,
	// collateral.json and system.conf in its folder.
	boot(ctx context.Context, d *deployment) (shutdown func(), err error)
	// instead returns what to say instead of lines of the launcher that are about a VM
	// and not about this machine, by how they begin.
	instead() map[string]string
	// launch starts the launcher.
	launch(ctx context.Context, d *deployment, logs io.Writer) (*process, error)
}

// process is a launcher, and then a workload.
type process struct {
	wait func() int // until it ends; returns its exit code
	stop func()     // ends it as a VM does
}

// trial is one call of Run.
type trial struct {
	Options
	dir    string // of its own
	source *clone.Copy
	n      int // launches so far
}

// deployment is one launch.
type deployment struct {
	*trial
	dir string // the evidence
}

func (d *deployment) file(name string) string { return filepath.Join(d.dir, name) }

// pollEvery is how often a watched folder is looked at.
const pollEvery = time.Second

// Run launches what the clone holds until the workload ends or the context does, and
// has the receipt judged. It returns the exit code of the workload or the launcher, or,
// if that is zero, the verifier's. That of a workload that was told to end does not
// count.
func Run(ctx context.Context, o Options) (code int, err error) {
	dir, err := os.MkdirTemp("", "gl-dev-") // short: it holds a socket
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return 0, err
	}
	t := &trial{Options: o, dir: dir}
	if t.source, err = o.Clone.Copy(ctx, dir); err != nil {
		return 0, err
	}
	for {
		t.describe(ctx)
		code, changed, err := t.once(ctx)
		if err != nil || !o.Watch || ctx.Err() != nil {
			return code, err
		}
		if !changed {
			o.Say("waiting for a change (Ctrl-C ends)")
			if !t.awaitChange(ctx, nil) {
				return code, nil
			}
		}
		o.Say("the folder has changed: launching again")
	}
}

// describe tells the author what is launched.
func (t *trial) describe(ctx context.Context) {
	if !t.source.Dirty {
		t.Say("launching commit %s", t.source.Commit)
		return
	}
	files, err := t.Clone.Dirty(ctx)
	what := fmt.Sprintf("%d files", len(files))
	if err != nil || len(files) == 0 {
		what = "files"
	} else if len(files) <= 3 {
		what = strings.Join(files, ", ")
	}
	t.Say("launching UNCOMMITTED CHANGES (%s) as commit %s, which is nowhere but here", what, t.source.Commit)
}

// once does one launch, and has its receipt judged.
func (t *trial) once(ctx context.Context) (code int, changed bool, err error) {
	t.n++
	d := &deployment{trial: t, dir: filepath.Join(t.dir, fmt.Sprint(t.n))}
	if err := d.write(); err != nil {
		return 0, false, err
	}
	shutdown, err := t.Machine.boot(ctx, d)
	if err != nil {
		return 0, false, fmt.Errorf("starting the simulated guest agent: %w", err)
	}
	defer shutdown()
	p, err := t.Machine.launch(ctx, d, &cli.Lines{Say: t.Say, Raw: t.Stderr, Name: "launcher", Until: "exec in ", Instead: t.Machine.instead()})
	if err != nil {
		return 0, false, fmt.Errorf("starting the launcher: %w", err)
	}
	ended := make(chan int, 1)
	go func() { ended <- p.wait() }()
	told := false
	done := make(chan struct{})
	next := make(chan bool, 1)
	if t.Watch {
		go func() { next <- t.awaitChange(ctx, done) }()
	}
	select {
	case code = <-ended:
	case <-ctx.Done():
		told = true
	case changed = <-next:
		told = true
	}
	close(done)
	if told {
		p.stop()
		<-ended
	}
	if _, err := os.Stat(d.file("receipt.json")); err != nil {
		if told {
			return 0, changed, nil
		}
		t.Say("the launch failed with exit code %d: there is nothing to verify", code)
		return code, changed, t.keep(d)
	}
	if !told {
		t.Say("the workload ended with exit code %d", code)
	}
	verdict, err := d.judge()
	if err == nil {
		err = t.keep(d)
	}
	if code == 0 {
		code = verdict
	}
	return code, changed, err
}

// awaitChange waits until the folder holds something else, the context ends, or done is
// closed.
func (t *trial) awaitChange(ctx context.Context, done <-chan struct{}) (changed bool) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-done:
			return false
		case <-tick.C:
			if changed, err := t.source.Take(ctx); err == nil && changed {
				return true
			}
		}
	}
}

// write makes the deployment: config, compose file, app-compose, and the policy that
// expects just that.
func (d *deployment) write() error {
	at, sets, image := d.Machine.place(d.trial)
	repo, err := config.ParseRepoURL(at)
	if err != nil {
		return err
	}
	commit, err := object.ParseID(d.source.Commit)
	if err != nil {
		return err
	}
	wish := author.Wish{Sets: append(sets, d.Sets...)}
	cfg, err := wish.Config(repo, commit)
	if err != nil {
		return err
	}
	compose := author.Compose(cfg.Text, image, nil)
	app, err := lint.AppCompose([]byte(compose), "dev")
	if err != nil {
		return err
	}
	var w policy.Writer
	w.Line("REPO_URL", repo.String())
	w.Line("COMMIT_SHA", d.source.Commit)
	w.Line("CONFIG_SHA256", digest.Of([]byte(cfg.Text)).Hex())
	w.Line("LAUNCHER_IMAGE_DIGEST", image[strings.LastIndex(image, "@")+1:])
	w.Line("DOCKER_COMPOSE_SHA256", digest.Of([]byte(compose)).Hex())
	w.None("ALLOWED_ENVS")
	if err := os.Mkdir(d.dir, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"config.conf": cfg.Text, "docker-compose.yaml": compose, "app-compose.json": string(app), "launch.conf": string(w.Bytes()),
	} {
		if err := os.WriteFile(d.file(name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// judge runs the verifier, as a relying party does.
func (d *deployment) judge() (code int, err error) {
	var expected []byte
	for _, part := range []string{"system.conf", "launch.conf"} {
		text, err := os.ReadFile(d.file(part))
		if err != nil {
			return 0, err
		}
		expected = append(expected, text...)
	}
	if err := os.WriteFile(d.file("policy.conf"), expected, 0o644); err != nil {
		return 0, err
	}
	// It does not run with the context: the person who presses Ctrl-C wants the
	// verdict.
	cmd := exec.Command(d.Verifier, "--root", d.file("root.pem"), "--collateral", d.file("collateral.json"), "--policy", d.file("policy.conf"), d.file("receipt.json"))
	cmd.Stdout, cmd.Stderr = d.Stdout, d.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// keep copies the evidence to the folder for it, over that of an earlier launch.
func (t *trial) keep(d *deployment) error {
	if t.Keep == "" {
		return nil
	}
	if err := os.MkdirAll(t.Keep, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"receipt.json", "policy.conf", "root.pem", "collateral.json", "config.conf", "docker-compose.yaml", "app-compose.json"} {
		data, err := os.ReadFile(d.file(name))
		if errors.Is(err, os.ErrNotExist) {
			continue // the launch failed
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(t.Keep, name), data, 0o644)
		}
		if err != nil {
			return err
		}
	}
	t.Say("the evidence is in %s: git-launcher-verify --root root.pem --collateral collateral.json --policy policy.conf receipt.json", t.Keep)
	return nil
}

package gitmode_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/internal/author"
	"gitlauncher/internal/gitmode"
	"gitlauncher/internal/gittest"
	"gitlauncher/internal/guest"
	"gitlauncher/internal/pinned"
	"gitlauncher/internal/sim"
	"gitlauncher/internal/step"
	"gitlauncher/measure"
)

// world is a repository and a launch of its commit.
type world struct {
	launch   gitmode.Launch
	repo     *gittest.Sample
	dir      string
	out, log bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dir: t.TempDir()}
	t.Setenv("TMPDIR", t.TempDir())
	var err error
	if w.repo, err = gittest.NewSample(filepath.Join(w.dir, "r.git")); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&w.log, nil))
	sleep := func(context.Context, time.Duration) error { return errors.New("nothing is waited for") }
	w.launch = gitmode.Launch{
		Bounds: gitmode.Bounds{PackBytes: 1 << 20, TreeBytes: 1 << 20, Files: 100, Stall: time.Minute, Pack: time.Minute, Fetch: time.Minute, Lock: time.Minute},
		Guest:  guest.Options{Measured: true, Way: guest.Auto, Timeout: time.Minute, Log: log, Sleep: sleep},
		Log:    log, Stdout: &w.out, Stderr: &w.log, Sleep: sleep,
	}
	w.launch.Receipt.Log = log
	return w
}

// config writes the config, with further lines.
func (w *world) config(t *testing.T, lines ...string) (text string) {
	t.Helper()
	lines = append([]string{"REPO_URL=" + w.repo.Dir, "COMMIT_SHA=" + w.repo.Head, "WORK_DIR=" + filepath.Join(w.dir, "tree")}, lines...)
	text = strings.Join(lines, "\n") + "\n"
	w.launch.ConfigFile = w.write(t, "config.conf", text)
	return text
}

func (w *world) write(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(w.dir, name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// agent starts a guest agent.
func (w *world) agent(t *testing.T, line sim.Line) {
	t.Helper()
	socket, stop, err := sim.Start(sim.Options{Dstack: line, AppCompose: []byte("{}"), Now: time.Now()}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	w.launch.Guest.Socket = socket
}

// failedAt reports the step that an error ended.
func failedAt(err error) step.Name {
	var failed *step.Error
	if errors.As(err, &failed) {
		return failed.Step
	}
	return ""
}

func TestCheck(t *testing.T) {
	w := newWorld(t)
	text := w.config(t)
	compose := w.write(t, "compose.yaml", author.Compose(text, author.ImagePlaceholder, []string{"API_KEY"}))
	policyOut := filepath.Join(w.dir, "policy.conf")
	if err := w.launch.Check(t.Context(), compose, policyOut); err != nil {
		t.Fatal(err)
	}
	r, err := measure.ParseGitRecord(bytes.TrimSuffix(w.out.Bytes(), []byte("\n")))
	if err != nil || r.Commit != w.repo.Head || r.Entrypoint != "entrypoint.sh" {
		t.Errorf("%+v, %v", r, err)
	}
	policy, err := os.ReadFile(policyOut)
	if err != nil || !strings.Contains(string(policy), "\nALLOWED_ENVS=API_KEY\n") || !strings.Contains(string(policy), "\nCONTENT_SHA256="+r.ContentSHA256+"\n") {
		t.Errorf("%v: the policy is\n%s", err, policy)
	}
	if !strings.Contains(w.log.String(), "the compose file deploys this config, byte for byte") || !strings.Contains(w.log.String(), "service=app") {
		t.Errorf("what --compose was for is not said:\n%s", w.log.String())
	}
	if _, err := os.Stat(filepath.Join(w.dir, "tree")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("check touched WORK_DIR: %v", err)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("check left %v, %v", left, err)
	}
}

// TestCheckRefuses: each refusal has its step and type. Nothing is printed or written.
func TestCheckRefuses(t *testing.T) {
	other := strings.Repeat("1", 64)
	for name, c := range map[string]struct {
		lines   []string
		compose string // a file's text
		policy  string // where it goes
		at      step.Name
		err     any // a pointer to the error's type
	}{
		"another content":       {[]string{"CONTENT_SHA256=" + other}, "", "", step.Entry, new(*gitmode.ContentError)},
		"another script":        {[]string{"ENTRYPOINT_SHA256=" + other}, "", "", step.Entry, new(*gitmode.ContentError)},
		"no such script":        {[]string{"ENTRYPOINT_SCRIPT=none.sh"}, "", "", step.Entry, new(*gitpin.EntryError)},
		"no such folder":        {[]string{"RUN_CMD=make", "REPO_SUBDIR=none"}, "", "", step.Entry, new(*gitpin.EntryError)},
		"an unknown key":        {[]string{"NO_SUCH_KEY=1"}, "", "", step.Config, new(*config.Error)},
		"a credential for none": {[]string{"AUTH_TOKEN_ENV=UNSET"}, "", "", step.Config, new(*config.Error)},
		"another config inside": {nil, "services: {a: {environment: {GIT_LAUNCHER_CONFIG: other}}}\n", "", "read the compose file", new(*step.UsageError)},
		"no folder for it":      {nil, "", "none/policy.conf", step.Policy, new(*fs.PathError)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.config(t, c.lines...)
			compose, policy := c.compose, c.policy
			if compose != "" {
				compose = w.write(t, "compose.yaml", compose)
			}
			if policy != "" {
				policy = filepath.Join(w.dir, policy)
			}
			err := w.launch.Check(t.Context(), compose, policy)
			if failedAt(err) != c.at || !errors.As(err, c.err) {
				t.Errorf("%v at %q, not a %T at %q", err, failedAt(err), c.err, c.at)
			}
			if w.out.Len() > 0 {
				t.Errorf("it printed %s", w.out.String())
			}
			if _, err := os.Stat(filepath.Join(w.dir, "none")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a folder was made: %v", err)
			}
		})
	}
}

// TestPin: what pin prints is what a check of it then proves.
func TestPin(t *testing.T) {
	w := newWorld(t)
	repo, err := config.ParseRepoURL(w.repo.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.launch.Pin(t.Context(), &gitmode.PinRequest{Repo: repo, Ref: "v1", Print: "config"}); err != nil {
		t.Fatal(err)
	}
	text := w.out.String()
	if !strings.HasPrefix(text, fmt.Sprintf("REPO_URL=%s\nCOMMIT_SHA=%s\nCONTENT_SHA256=", w.repo.Dir, w.repo.Head)) {
		t.Errorf("the config is\n%s", text)
	}
	w.out.Reset()
	w.launch.ConfigFile = w.write(t, "pinned.conf", text)
	if err := w.launch.Check(t.Context(), "", ""); err != nil || !strings.Contains(w.out.String(), w.repo.Head) {
		t.Errorf("%v\n%s", err, w.out.String())
	}

	w.out.Reset()
	out := filepath.Join(w.dir, "deploy")
	if err := w.launch.Pin(t.Context(), &gitmode.PinRequest{Repo: repo, Out: out}); err != nil || w.out.Len() > 0 {
		t.Errorf("%v\n%s", err, w.out.String())
	}
	for _, file := range []string{"config.conf", "docker-compose.yaml", "policy.conf"} {
		if info, err := os.Stat(filepath.Join(out, file)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", file, err)
		}
	}

	var ref *gitpin.RefError
	if err := w.launch.Pin(t.Context(), &gitmode.PinRequest{Repo: repo, Ref: "no-such-branch"}); !errors.As(err, &ref) || failedAt(err) != "resolve the name" {
		t.Errorf("%v", err)
	}
}

// TestRunNotMeasured: a launch that can't be measured ends, although its commit is
// proven. If Run went on, this test would become the workload.
func TestRunNotMeasured(t *testing.T) {
	w := newWorld(t)
	w.config(t, "RUN_CMD=echo workload")
	w.launch.Guest.Socket = filepath.Join(w.dir, "none.sock")
	if err := w.launch.Run(t.Context()); failedAt(err) != step.Agent {
		t.Errorf("without a guest agent: %v", err)
	}
	w.agent(t, sim.V06)
	var loose *pinned.Error
	if err := w.launch.Run(t.Context()); failedAt(err) != step.Measure || !errors.As(err, &loose) {
		t.Errorf("where no event can be recorded, and no compose pins the config: %v", err)
	}
	w.launch.Guest.Way = guest.Record
	if err := w.launch.Run(t.Context()); failedAt(err) != step.Measure || !errors.Is(err, measure.ErrNoEmit) {
		t.Errorf("with --measure record: %v", err)
	}
}

// TestRunRequiredReceipt: a measured launch ends without the receipt that is required.
func TestRunRequiredReceipt(t *testing.T) {
	w := newWorld(t)
	w.config(t, "RUN_CMD=echo workload")
	w.agent(t, sim.V05)
	w.launch.Receipt.Required, w.launch.Receipt.File = true, filepath.Join(w.dir, "tree", "package.json")
	if err := w.launch.Run(t.Context()); failedAt(err) != step.Measure || !strings.Contains(err.Error(), "must not lie in WORK_DIR") {
		t.Errorf("%v", err)
	}
	if !strings.Contains(w.log.String(), "launch measured") {
		t.Errorf("the log is\n%s", w.log.String())
	}
}

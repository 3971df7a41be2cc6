package testscripts

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/gittest"
	"gitlauncher/internal/gittest/habit"
)

var updatePages = flag.Bool("update-pages", false, "write the tables of doc/hosts.md anew")

// hostRow is one kind of input from a host: what git does with it, and what the
// launcher does. The rows are the table in doc/hosts.md.
type hostRow struct {
	kind, input string
	git         outcome
	exit        int    // of the launcher; 0 is a launch
	says        string // part of the launcher's log
	again       bool   // whether the launcher tries again
	set         func(w *hostWorld) hostInput
}

// outcome is what git does with an input.
type outcome string

const (
	clones  outcome = "clones"
	nothing outcome = "clones nothing"
	fails   outcome = "fails"
)

// hostInput is an input for both programs.
type hostInput struct {
	url      string
	commit   string   // if it is not the sample's
	lines    []string // of the config
	env      []string // of both
	flags    []string // of the launcher
	gitEnv   []string
	gitURL   string   // if git needs another form
	gitFlags []string // "-c", "key=value"
}

// hostWorld makes what rows need: repositories, servers and files, in a directory.
type hostWorld struct {
	t    *testing.T
	dir  string
	repo *gittest.Repo
	head string
}

func newHostWorld(t *testing.T) *hostWorld {
	// Not t.TempDir: it has the row's name in it, which an address would read in its
	// own way.
	dir, err := os.MkdirTemp("", "hosts-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w := &hostWorld{t: t, dir: dir}
	w.repo, w.head = w.bare("srv/r.git")
	return w
}

func (w *hostWorld) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// bare makes a repository with the one commit that all rows launch, with options of git
// init.
func (w *hostWorld) bare(path string, options ...string) (*gittest.Repo, string) {
	w.t.Helper()
	repo, err := gittest.NewRepo(filepath.Join(w.dir, path), options...)
	w.check(err)
	head, err := repo.Commit("main", "one", gittest.File{Path: "entrypoint.sh", Content: "echo RAN\n"})
	w.check(err)
	return repo, head
}

// file writes a file and returns its path.
func (w *hostWorld) file(name, content string) string {
	p := filepath.Join(w.dir, name)
	w.check(os.WriteFile(p, []byte(content), 0o600))
	return p
}

// serve serves the directory srv over HTTP with habits, and returns http://host:port.
func (w *hostWorld) serve(habits ...habit.Habit) string {
	w.t.Helper()
	url, stop, err := (&gittest.Server{Root: filepath.Join(w.dir, "srv"), Habits: habits}).Start("127.0.0.1:0")
	w.check(err)
	w.t.Cleanup(stop)
	return url
}

// web returns the sample over HTTP.
func (w *hostWorld) web(habits ...habit.Habit) hostInput {
	return hostInput{url: w.serve(habits...) + "/r.git"}
}

// run returns exit code and output.
func run(dir string, env []string, name string, args ...string) (int, string, string) {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), stdout.String(), stderr.String()
	} else if err != nil {
		return -1, "", err.Error()
	}
	return 0, stdout.String(), stderr.String()
}

// TestHosts runs git and the launcher on each row's input.
// SECURITY.md: G6, G7, G8.
func TestHosts(t *testing.T) {
	bin := programs(t)
	for _, row := range hostRows {
		t.Run(row.kind+"/"+row.input, func(t *testing.T) {
			t.Parallel()
			// Each program has its own server: some servers answer differently the
			// second time.
			w := newHostWorld(t)
			w.git(row, row.set(w))
			w = newHostWorld(t)
			w.launch(row, row.set(w), bin)
		})
	}
}

func (w *hostWorld) git(row hostRow, in hostInput) {
	w.t.Helper()
	url := in.gitURL
	if url == "" {
		url = in.url
	}
	env := append(append(gittest.Env(), "GIT_ASKPASS=/bin/true", "SSH_ASKPASS=/bin/true"), append(in.env, in.gitEnv...)...)
	args := append(append([]string{"-c", "safe.directory=*", "-c", "credential.helper="}, in.gitFlags...), "clone", "-q", url, filepath.Join(w.dir, "clone"))
	code, _, stderr := run(w.dir, env, "git", args...)
	got := clones
	if code != 0 {
		got = fails
	} else if strings.Contains(stderr, "empty repository") {
		got = nothing
	}
	if got != row.git {
		w.t.Errorf("git %s, not %s: %s", got, row.git, stderr)
	}
}

func (w *hostWorld) launch(row hostRow, in hostInput, bin string) {
	w.t.Helper()
	if in.commit == "" {
		in.commit = w.head
	}
	conf := w.file("config.conf", strings.Join(append([]string{"REPO_URL=" + in.url, "COMMIT_SHA=" + in.commit, "WORK_DIR=" + filepath.Join(w.dir, "vol/tree")}, in.lines...), "\n")+"\n")
	args := append([]string{"--platform", "nontee", "--fetch-timeout", "40s"}, append(in.flags, conf)...)
	code, stdout, stderr := run(w.dir, append([]string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent"}, in.env...), filepath.Join(bin, "git-launcher"), args...)
	if code != row.exit || strings.Contains(stdout, "RAN") != (row.exit == 0) {
		w.t.Errorf("exit code %d, not %d: %s", code, row.exit, stderr)
	}
	if row.exit != 0 && (strings.Count(stderr, "FAILED to ") != 1 || strings.Count(stderr, "What to do: ") != 1) {
		w.t.Errorf("no line that names the step, or none that says what to do:\n%s", stderr)
	}
	if !strings.Contains(strings.ReplaceAll(stderr, `\"`, `"`), row.says) {
		w.t.Errorf("nothing says %q:\n%s", row.says, stderr)
	}
	if again := strings.Contains(stderr, "fetching failed, trying again"); again != row.again {
		w.t.Errorf("it is tried again: %t\n%s", again, stderr)
	}
	if strings.Contains(stderr, "s3cret") || strings.Contains(stderr, "PRIVATE KEY-----\n") {
		w.t.Errorf("a secret is in the log:\n%s", stderr)
	}
}

// TestHostsPage: doc/hosts.md has the rows.
func TestHostsPage(t *testing.T) {
	const page, begin, end = "../doc/hosts.md", "<!-- rows of TestHosts -->\n", "<!-- end of rows -->\n"
	var b strings.Builder
	kind := ""
	for _, r := range hostRows {
		if r.kind != kind {
			kind = r.kind
			fmt.Fprintf(&b, "\n**%s**\n\n| input | git | launcher | and says |\n|---|---|---|---|\n", kind)
		}
		ours := "launches"
		if r.exit != 0 {
			ours = fmt.Sprintf("exit %d", r.exit)
		}
		if r.again {
			ours += ", tries again"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", strings.ReplaceAll(r.input, "|", `\|`), r.git, ours, r.says)
	}
	b.WriteString("\n")
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the rows", page)
	}
	if old == b.String() {
		return
	}
	if !*updatePages {
		t.Fatalf("the rows of %s are others; run go test ./testscripts -run TestHostsPage -update-pages", page)
	}
	if err := os.WriteFile(page, []byte(before+begin+b.String()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// freePort returns a port of loopback on which nobody listens now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// pages serves a handler on loopback, and returns host:port.
func (w *hostWorld) pages(h http.Handler) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	w.check(err)
	s := &http.Server{Handler: h}
	go s.Serve(l)
	w.t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

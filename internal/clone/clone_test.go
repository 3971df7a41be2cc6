package clone

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// author returns a clone with an origin and two commits.
func author(t *testing.T) *Clone {
	t.Helper()
	for _, v := range []string{"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"} {
		t.Setenv(v, os.DevNull)
	}
	dir := t.TempDir()
	run(t, dir, "init", "-q", "--bare", "-b", "main", "origin.git")
	run(t, dir, "clone", "-q", "origin.git", "work")
	work := filepath.Join(dir, "work")
	write(t, work, "entrypoint.sh", "echo one\n")
	write(t, work, ".gitignore", "ignored\n")
	write(t, work, "ignored", "secret")
	commit(t, work, "one")
	write(t, work, "entrypoint.sh", "echo two\n")
	commit(t, work, "two")
	run(t, work, "push", "-q", "origin", "HEAD:main")
	c, err := Open(t.Context(), work)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=n", "-c", "user.email=e@example.org"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func commit(t *testing.T, dir, message string) {
	t.Helper()
	run(t, dir, "add", "-A")
	run(t, dir, "commit", "-q", "-m", message)
}

func TestOpen(t *testing.T) {
	if _, err := Open(t.Context(), t.TempDir()); !errors.Is(err, ErrNoClone) {
		t.Errorf("no clone: %v", err)
	}
	c := author(t)
	if err := os.Mkdir(filepath.Join(c.Dir, "deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	below, err := Open(t.Context(), filepath.Join(c.Dir, "deep"))
	if err != nil || below.Dir != c.Dir {
		t.Errorf("from below: %v, %v", below, err)
	}
	t.Setenv("PATH", "")
	if _, err := Open(t.Context(), c.Dir); !errors.Is(err, ErrNoGit) {
		t.Errorf("without git: %v", err)
	}
}

func TestPublished(t *testing.T) {
	c := author(t)
	head, err := c.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := c.Published(t.Context(), head); !ok || err != nil {
		t.Errorf("a pushed commit: %v, %v", ok, err)
	}
	write(t, c.Dir, "more", "more")
	if dirty, err := c.Dirty(t.Context()); err != nil || strings.Join(dirty, " ") != "more" {
		t.Errorf("dirty: %q, %v", dirty, err)
	}
	commit(t, c.Dir, "three")
	mine, err := c.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := c.Published(t.Context(), mine); ok || err != nil {
		t.Errorf("a commit that was not pushed: %v, %v", ok, err)
	}
	lines, after, err := c.Between(t.Context(), head, mine, 5)
	if err != nil || !after || len(lines) != 1 || !strings.HasSuffix(lines[0], " n: three") {
		t.Errorf("between: %q, %v, %v", lines, after, err)
	}
	if lines, after, err := c.Between(t.Context(), mine, head, 5); err != nil || after || len(lines) != 1 {
		t.Errorf("back: %q, %v, %v", lines, after, err)
	}
	if _, _, err := c.Between(t.Context(), strings.Repeat("ab", 20), head, 5); err == nil || !strings.Contains(err.Error(), "this clone lacks abab") {
		t.Errorf("lacking: %v", err)
	}
	url, err := c.Origin(t.Context())
	if err != nil || !strings.HasSuffix(url, "/origin.git") {
		t.Errorf("origin: %q, %v", url, err)
	}
}

// TestCopy: the copy has what the folder holds, and the clone is as it was, byte by byte.
func TestCopy(t *testing.T) {
	c := author(t)
	head, err := c.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.Dir, "staged", "by the author")
	run(t, c.Dir, "add", "staged")
	run(t, c.Dir, "reset", "-q", "--hard")
	before := run(t, c.Dir, "count-objects", "-v") + listing(t, c.Dir)
	p, err := c.Copy(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if p.Commit != head || p.Dirty {
		t.Errorf("clean: %s, %v, HEAD is %s", p.Commit, p.Dirty, head)
	}
	if changed, err := p.Take(t.Context()); changed || err != nil {
		t.Errorf("nothing changed: %v, %v", changed, err)
	}
	write(t, c.Dir, "entrypoint.sh", "echo three\n")
	write(t, c.Dir, "new", "new\n")
	changed, err := p.Take(t.Context())
	if !changed || err != nil || !p.Dirty || p.Commit == head {
		t.Errorf("dirty: %v, %v, %+v", changed, err, p)
	}
	first := p.Commit
	// It needs no other repository: all of it is there without the clone.
	alone := filepath.Join(t.TempDir(), "alone")
	run(t, t.TempDir(), "clone", "-q", "--no-local", p.Dir, alone)
	if got := run(t, alone, "ls-files"); got != ".gitignore\nentrypoint.sh\nnew" {
		t.Errorf("the copy has %q", got)
	}
	if got := run(t, alone, "rev-parse", "HEAD"); got != first {
		t.Errorf("HEAD of the copy is %s, not %s", got, first)
	}
	write(t, c.Dir, "new", "newer\n")
	if changed, err := p.Take(t.Context()); !changed || err != nil || p.Commit == first {
		t.Errorf("changed again: %v, %v", changed, err)
	}
	write(t, c.Dir, "new", "new\n")
	if _, err := p.Take(t.Context()); err != nil || p.Commit != first {
		t.Errorf("the same changes are %s, not %s, %v", p.Commit, first, err)
	}
	write(t, c.Dir, "entrypoint.sh", "echo two\n")
	if err := os.Remove(filepath.Join(c.Dir, "new")); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Take(t.Context()); err != nil || p.Commit != head || p.Dirty {
		t.Errorf("taken back: %s, %v", p.Commit, err)
	}
	if after := run(t, c.Dir, "count-objects", "-v") + listing(t, c.Dir); after != before {
		t.Errorf("the clone was changed:\n%s\n%s", before, after)
	}
}

// TestCopyUnborn: a folder without a commit can be tried, too.
func TestCopyUnborn(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, "init", "-q")
	write(t, dir, "entrypoint.sh", "echo\n")
	c, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Head(t.Context()); err == nil || !strings.Contains(err.Error(), "has no commit yet") {
		t.Errorf("HEAD: %v", err)
	}
	p, err := c.Copy(t.Context(), t.TempDir())
	if err != nil || !p.Dirty {
		t.Errorf("%+v, %v", p, err)
	}
}

// listing returns all that lies in the clone, with the index's bytes.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		b.WriteString(path + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile(filepath.Join(dir, ".git", "index"))
	if err != nil {
		t.Fatal(err)
	}
	return b.String() + string(index)
}

// TestQuickChange changes a file within the second in which git added it, to text of
// the same length: the copy has the change, though no size or time shows it.
func TestQuickChange(t *testing.T) {
	c := author(t)
	file := filepath.Join(c.Dir, "entrypoint.sh")
	second := time.Now().Add(-time.Hour).Truncate(time.Second)
	at := func(name string) {
		t.Helper()
		if err := os.Chtimes(name, second, second); err != nil {
			t.Fatal(err)
		}
	}
	at(file)
	run(t, c.Dir, "config", "core.trustctime", "false")
	run(t, c.Dir, "add", "-A")
	at(c.index)
	write(t, c.Dir, "entrypoint.sh", "echo six\n")
	at(file)
	p, err := c.Copy(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if got := run(t, p.Dir, "show", p.Commit+":entrypoint.sh"); got != "echo six" || !p.Dirty {
		t.Errorf("the copy holds %q (uncommitted: %v), want the change", got, p.Dirty)
	}
}

// TestMarkedFiles: what the folder holds is launched, though the author has told git not to
// look at a file. What a sparse checkout leaves out stays as it is committed.
func TestMarkedFiles(t *testing.T) {
	for _, flags := range [][]string{{"--assume-unchanged"}, {"--skip-worktree"}, {"--assume-unchanged", "--skip-worktree"}} {
		c := author(t)
		for _, flag := range flags {
			run(t, c.Dir, "update-index", flag, "entrypoint.sh")
		}
		write(t, c.Dir, "entrypoint.sh", "echo marked\n")
		p, err := c.Copy(t.Context(), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if got := run(t, p.Dir, "show", p.Commit+":entrypoint.sh"); got != "echo marked" || !p.Dirty {
			t.Errorf("%v: the copy holds %q (uncommitted: %v), want the change", flags, got, p.Dirty)
		}
		if marks := run(t, c.Dir, "ls-files", "-v", "entrypoint.sh"); strings.HasPrefix(marks, "H ") {
			t.Errorf("%v: the clone's own index lost its marks: %s", flags, marks)
		}
	}
	c := author(t)
	run(t, c.Dir, "update-index", "--skip-worktree", "entrypoint.sh")
	if err := os.Remove(filepath.Join(c.Dir, "entrypoint.sh")); err != nil {
		t.Fatal(err)
	}
	p, err := c.Copy(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if got := run(t, p.Dir, "show", p.Commit+":entrypoint.sh"); got != "echo two" || p.Dirty {
		t.Errorf("a file that is left out: the copy holds %q (uncommitted: %v)", got, p.Dirty)
	}
}

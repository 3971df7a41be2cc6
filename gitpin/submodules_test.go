package gitpin_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/gitpin"
	"gitlauncher/internal/gittest"
	"gitlauncher/internal/testenv"
)

// repos are the repositories of one server, with their commits.
type repos struct {
	*host
	t       testing.TB
	commits map[string]string // the last of each
	options []string          // of git init
}

func newRepos(t testing.TB, options ...string) *repos {
	t.Helper()
	return &repos{host: newHost(t, options...), t: t, commits: make(map[string]string), options: options}
}

// commit adds a commit to a repository. It makes a repository that does not exist.
func (r *repos) commit(name string, files ...gittest.File) string {
	r.t.Helper()
	dir := filepath.Join(r.Root, name+".git")
	repo := &gittest.Repo{Dir: dir}
	if _, err := os.Stat(dir); err != nil {
		if repo, err = gittest.NewRepo(dir, r.options...); err != nil {
			r.t.Fatal(err)
		}
	}
	id, err := repo.Commit("main", name, files...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.commits[name] = id
	return id
}

func (r *repos) at(name string) string {
	return strings.TrimSuffix(r.url, "/r.git") + "/" + name + ".git"
}

// params returns parameters that pin the last commit of a repository, with submodules.
func (r *repos) params(name, dir string) gitpin.Params {
	h := *r.host
	h.url = r.at(name)
	p := h.params(r.t, r.commits[name], dir)
	p.Submodules = true
	return p
}

func file(path, content string) gittest.File { return gittest.File{Path: path, Content: content} }

func gitlink(path, commit string) gittest.File {
	return gittest.File{Path: path, Mode: "160000", Content: commit}
}

// modules returns a .gitmodules with an entry for each triple of name, path and url.
func modules(triples ...string) gittest.File {
	var text string
	for i := 0; i < len(triples); i += 3 {
		text += fmt.Sprintf("[submodule %q]\n\tpath = %s\n\turl = %s\n", triples[i], triples[i+1], triples[i+2])
	}
	return file(".gitmodules", text)
}

// family makes a repository with two submodules. One of them has a submodule, too.
func family(t testing.TB, options ...string) *repos {
	r := newRepos(t, options...)
	in := r.commit("in", file("in.txt", "innermost\n"), gittest.File{Path: "link", Mode: "120000", Content: "in.txt"})
	lib := r.commit("lib", file("lib.txt", "library\n"), modules("in", "deep/in", "../in.git"), gitlink("deep/in", in))
	lib2 := r.commit("other", file("a", "first\n"))
	r.commit("other", file("a", "second\n"))
	r.commit("app",
		file("entrypoint.sh", "echo hello\n"), file("z", "last\n"),
		modules("vendor/lib", "vendor/lib", "../lib.git", `odd "name"`, "other place", r.at("other")),
		gitlink("vendor/lib", lib), gitlink("other place", lib2))
	return r
}

// agreed requires that git finds a clean checkout of the commits and these submodules.
func agreed(t testing.TB, dir string, submodules ...string) {
	t.Helper()
	run := func(where string, args ...string) string {
		t.Helper()
		out, err := gittest.Git(where, nil, args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	var got []string
	for line := range strings.Lines(run(dir, "submodule", "status", "--recursive")) {
		line = strings.TrimSuffix(line, "\n")
		if i := strings.LastIndex(line, " ("); i > 0 {
			line = line[:i]
		}
		got = append(got, line)
	}
	if strings.Join(got, "\n") != strings.Join(submodules, "\n") {
		t.Errorf("git submodule status:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(submodules, "\n"))
	}
	places := []string{dir}
	for _, s := range submodules {
		_, path, _ := strings.Cut(s[1:], " ")
		places = append(places, filepath.Join(dir, path))
	}
	for _, place := range places {
		if got := run(place, "status", "--porcelain", "--ignored"); got != "" {
			t.Errorf("git status in %s: %s", place, got)
		}
		if got := run(place, "fsck", "--strict"); got != "" {
			t.Errorf("git fsck in %s: %s", place, got)
		}
	}
}

func (r *repos) pin(t testing.TB, name, dir string) *gitpin.Checkout {
	t.Helper()
	c, err := gitpin.Pin(context.Background(), r.params(name, dir))
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	return c
}

// TestSubmodules: a launch makes what git makes of a clone with its submodules, and a restart
// needs no network.
func TestSubmodules(t *testing.T) {
	r := family(t)
	dir := filepath.Join(t.TempDir(), "work")
	want := []string{
		" " + first(t, r, "other") + " other place",
		" " + r.commits["lib"] + " vendor/lib",
		" " + r.commits["in"] + " vendor/lib/deep/in",
	}
	c := r.pin(t, "app", dir)
	if !c.Fetched {
		t.Error("it was not fetched")
	}
	agreed(t, dir, want...)
	if text, err := os.ReadFile(filepath.Join(dir, "other place/a")); err != nil || string(text) != "first\n" {
		t.Errorf("%q, %v", text, err)
	}
	var paths []string
	for path := range c.All() {
		paths = append(paths, path)
	}
	const all = ".gitmodules, entrypoint.sh, other place, other place/a, vendor/lib, vendor/lib/.gitmodules, vendor/lib/deep/in, " +
		"vendor/lib/deep/in/in.txt, vendor/lib/deep/in/link, vendor/lib/lib.txt, z"
	if got := strings.Join(paths, ", "); got != all {
		t.Errorf("files are %s", got)
	}
	for range 2 { // the second finds the stored packs of the first
		r.Requests()
		again := r.pin(t, "app", dir)
		if n := len(r.Requests()); again.Fetched || n != 0 || again.ContentSHA256() != c.ContentSHA256() {
			t.Errorf("a restart made %d requests", n)
		}
		agreed(t, dir, want...)
	}
}

func first(t testing.TB, r *repos, name string) string {
	t.Helper()
	id, err := gittest.Git(filepath.Join(r.Root, name+".git"), nil, "rev-list", "--max-parents=0", "main")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestSubmodulesIgnored: entries of .gitmodules that git ignores change nothing: those at the
// path of a file, of nothing, or below another submodule. A submodule that git leaves out
// stays empty.
func TestSubmodulesIgnored(t *testing.T) {
	r := newRepos(t)
	lib := r.commit("lib", file("lib.txt", "library\n"))
	mods := modules("lib", "lib", "../lib.git", "f", "entrypoint.sh", "../lib.git", "b", "lib/lib.txt", "../evil.git", "n", "none", "ext::id", "out", "out", "../evil.git")
	mods.Content = strings.ReplaceAll(mods.Content, "\n", "\r\n") + "\tupdate = none\r\n[include]\r\n\tpath = /dev/zero\r\n"
	r.commit("app", mods, gitlink("lib", lib), gitlink("out", lib), file("entrypoint.sh", "echo\n"))
	dir := filepath.Join(t.TempDir(), "work")
	for range 2 {
		c := r.pin(t, "app", dir)
		if len(c.Submodules) != 1 || c.Submodules[0].Path != "lib" {
			t.Errorf("placed: %v", c.Submodules)
		}
		agreed(t, dir, " "+lib+" lib", "-"+lib+" out")
		names, err := os.ReadDir(filepath.Join(dir, "out"))
		if err != nil || len(names) != 0 {
			t.Errorf("out holds %v, %v", names, err)
		}
	}
	if _, err := c(r, dir).Script("lib/lib.txt"); err != nil {
		t.Errorf("a script in a submodule: %v", err)
	}
	for path, says := range map[string]string{"lib": "is a submodule, and so a directory", "out": "is a submodule, which is not fetched", "out/x": `lies in the submodule "out"`, "lib/none": "is not in the pinned tree"} {
		if _, err := c(r, dir).Script(path); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := errors.Join(c(r, dir).Directory("lib"), c(r, dir).Directory("")); err != nil {
		t.Error(err)
	}
	if err := c(r, dir).Directory("out"); err == nil {
		t.Error("an empty submodule is a directory to run in")
	}
}

func c(r *repos, dir string) *gitpin.Checkout { return r.pin(r.t, "app", dir) }

// TestSubmodulesAnotherCommit: one WORK_DIR can go to another pin and back, and to a config
// that does not ask for submodules.
func TestSubmodulesAnotherCommit(t *testing.T) {
	r := family(t)
	old := r.commits["app"]
	lib := r.commit("lib", file("lib.txt", "a newer library\n"))
	r.commit("app", file("entrypoint.sh", "echo\n"), gitlink("vendor/lib", lib), modules("vendor/lib", "vendor/lib", "../lib.git"))
	dir := filepath.Join(t.TempDir(), "work")
	next := r.commits["app"]
	for _, commit := range []string{old, next, old, next} {
		r.commits["app"] = commit
		if placed := len(r.pin(t, "app", dir).Submodules); placed != map[string]int{old: 3, next: 1}[commit] {
			t.Errorf("%s: %d submodules", commit, placed)
		}
	}
	agreed(t, dir, " "+lib+" vendor/lib")
	p := r.params("app", dir)
	p.Submodules = false
	checkout, err := gitpin.Pin(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	checkout.Close()
	names, err := os.ReadDir(filepath.Join(dir, "vendor/lib"))
	if err != nil || len(names) != 0 || len(checkout.Submodules) != 0 {
		t.Errorf("vendor/lib holds %v, %v", names, err)
	}
	agreed(t, dir, "-"+lib+" vendor/lib")
}

// TestSubmodulesWithHistory: with FETCH_DEPTH=full, submodules have history, too.
func TestSubmodulesWithHistory(t *testing.T) {
	r := family(t)
	r.commit("lib", file("lib.txt", "a newer library\n"))
	r.commit("app", file("entrypoint.sh", "echo\n"), gitlink("lib", r.commits["lib"]), modules("lib", "lib", "../lib.git"))
	dir := filepath.Join(t.TempDir(), "work")
	for range 2 {
		p := r.params("app", dir)
		p.FullHistory = true
		checkout, err := gitpin.Pin(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		checkout.Close()
		if n, err := gittest.Git(filepath.Join(dir, "lib"), nil, "rev-list", "--count", "HEAD"); err != nil || n != "2" {
			t.Errorf("%s commits, %v", n, err)
		}
		agreed(t, dir, " "+r.commits["lib"]+" lib")
	}
}

// TestSubmodulesOnAMount: if WORK_DIR is a mount point, names move one by one, and the
// launcher's lock is beside the files of the pinned commit only.
func TestSubmodulesOnAMount(t *testing.T) {
	r := family(t)
	dir := filepath.Join(t.TempDir(), "work")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	testenv.Tmpfs(t, dir, "size=32m,mode=755")
	r.pin(t, "app", dir)
	r.Requests()
	for range 2 { // the second mends what was changed
		again := r.pin(t, "app", dir)
		if n := len(r.Requests()); again.Fetched || n != 0 || len(again.Submodules) != 3 {
			t.Errorf("a restart made %d requests", n)
		}
		for _, s := range again.Submodules {
			place := filepath.Join(dir, s.Path)
			if got, err := gittest.Git(place, nil, "status", "--porcelain", "--ignored"); err != nil || got != "" {
				t.Errorf("git status in %s: %s, %v", place, got, err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "vendor/lib/lib.txt"), []byte("changed\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r.pin(t, "app", dir)
	if text, err := os.ReadFile(filepath.Join(dir, "vendor/lib/lib.txt")); err != nil || string(text) != "library\n" {
		t.Errorf("%q, %v", text, err)
	}
}

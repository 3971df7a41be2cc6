package gitpin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/gittest"
)

// repos are repositories of one server by their names, with their commits.
type repos struct {
	*host
	t       testing.TB
	commits map[string]string // the last of each
}

func newRepos(t testing.TB) *repos {
	t.Helper()
	return &repos{host: newHost(t), t: t, commits: make(map[string]string)}
}

// commit adds a commit to a repository, which it makes.
func (r *repos) commit(name string, files ...gittest.File) string {
	r.t.Helper()
	dir := filepath.Join(r.Root, name+".git")
	repo := &gittest.Repo{Dir: dir}
	if _, err := os.Stat(dir); err != nil {
		if repo, err = gittest.NewRepo(dir); err != nil {
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

// params pins the last commit of a repository, with submodules.
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

// modules is a .gitmodules of triples: name, path, url.
func modules(triples ...string) gittest.File {
	var text string
	for i := 0; i < len(triples); i += 3 {
		text += fmt.Sprintf("[submodule %q]\n\tpath = %s\n\turl = %s\n", triples[i], triples[i+1], triples[i+2])
	}
	return file(".gitmodules", text)
}

// family is a repository with two submodules, of which one has one of its own.
func family(t testing.TB) *repos {
	r := newRepos(t)
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

// agreed requires that git finds a clean checkout of the commits, submodules and all.
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
		places = append(places, filepath.Join(dir, s[42:]))
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

// TestSubmodules: what git makes of a clone with its submodules, and a restart without
// network.
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

// refused requires that a pin fails without a WORK_DIR, for a reason of its own.
func (r *repos) refused(t *testing.T, p gitpin.Params, target any, says ...string) {
	t.Helper()
	_, err := gitpin.Pin(context.Background(), p)
	if err == nil || !errors.As(err, target) {
		t.Errorf("%v (%T); not a %T", err, err, target)
		return
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%v; it does not say %s", err, text)
		}
	}
	if _, err := os.Lstat(p.WorkDir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("WORK_DIR is there: %v", err)
	}
}

// TestSubmodulesRefused: trees and .gitmodules that nobody may follow. No submodule is
// asked for.
// SECURITY.md: M1.
func TestSubmodulesRefused(t *testing.T) {
	r := newRepos(t)
	lib := r.commit("lib", file("lib.txt", "library\n"))
	var (
		plan *gitpin.PlanError
		tree *object.TreeError
	)
	link := func(target string) gittest.File {
		return gittest.File{Path: ".gitmodules", Mode: "120000", Content: target}
	}
	for name, c := range map[string]struct {
		files  []gittest.File
		target any
		says   string
	}{
		"no .gitmodules":            {[]gittest.File{gitlink("lib", lib)}, &plan, `submodule "lib" has no entry`},
		"no entry":                  {[]gittest.File{gitlink("lib", lib), modules("x", "x", "../lib.git")}, &plan, `submodule "lib" has no entry`},
		"an empty .gitmodules":      {[]gittest.File{gitlink("lib", lib), file(".gitmodules", "")}, &plan, "has no entry"},
		"a directory .gitmodules":   {[]gittest.File{gitlink("lib", lib), file(".gitmodules/x", "")}, &plan, "has no entry"},
		"a gitlink .gitmodules":     {[]gittest.File{gitlink("lib", lib), gitlink(".gitmodules", lib)}, &plan, "has no entry"},
		"a .gitmodules of below":    {[]gittest.File{gitlink("a/lib", lib), file("a/.gitmodules", modules("x", "lib", "../lib.git").Content)}, &plan, "has no entry"},
		"a link .gitmodules":        {[]gittest.File{gitlink("lib", lib), link("real"), file("real", modules("x", "lib", "../lib.git").Content)}, &tree, "is a symbolic link where Git wants a file"},
		"a link .GITMODULES":        {[]gittest.File{gitlink("lib", lib), modules("x", "lib", "../lib.git"), {Path: ".GITMODULES", Mode: "120000", Content: "x"}}, &tree, "is a symbolic link where Git wants a file"},
		"an unreadable .gitmodules": {[]gittest.File{gitlink("lib", lib), file(".gitmodules", "[submodule \"x\"\n")}, &plan, ".gitmodules can't be read: line 1"},
		"a large .gitmodules":       {[]gittest.File{gitlink("lib", lib), file(".gitmodules", strings.Repeat("#", 1<<20+1))}, &plan, "larger than 1 MiB"},
		"a name that climbs":        {[]gittest.File{gitlink("lib", lib), modules("../../hooks", "lib", "../lib.git")}, &plan, "leads elsewhere"},
		"a name in another's":       {[]gittest.File{gitlink("lib", lib), gitlink("m", lib), modules("x", "lib", "../lib.git", "x/hooks", "m", "../lib.git")}, &plan, "would lie in that of"},
		"two entries of a place":    {[]gittest.File{gitlink("lib", lib), modules("x", "lib", "../lib.git", "y", "lib", "../evil.git")}, &plan, "more than one entry"},
		"a path of the machine":     {[]gittest.File{gitlink("lib", lib), modules("x", "lib", filepath.Join(r.Root, "lib.git"))}, &plan, "is a path on this machine"},
		"file://":                   {[]gittest.File{gitlink("lib", lib), modules("x", "lib", "file://"+filepath.Join(r.Root, "lib.git"))}, &plan, "is a path on this machine"},
		"a command":                 {[]gittest.File{gitlink("lib", lib), modules("x", "lib", "ext::sh -c touch% "+filepath.Join(r.Root, "pwned"))}, &plan, "transport helper"},
		"an option":                 {[]gittest.File{gitlink("lib", lib), modules("x", "lib", "--upload-pack=touch "+filepath.Join(r.Root, "pwned"))}, &plan, "begins with a dash"},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			r.commit("app", append(c.files, file("entrypoint.sh", "echo\n"))...)
			r.Requests()
			r.refused(t, r.params("app", filepath.Join(t.TempDir(), "work")), c.target, c.says)
			for _, q := range r.Requests() {
				if !strings.HasPrefix(q.URL, "/app.git/") {
					t.Errorf("%s was asked for", q.URL)
				}
			}
		})
	}
	if _, err := os.Stat(filepath.Join(r.Root, "pwned")); err == nil {
		t.Error("a command ran")
	}
}

// TestSubmodulesIgnored: what git does not look at changes nothing: entries at the path of
// a file, of nothing, below another submodule; and one that git leaves out stays empty.
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

// TestSubmodulesNotServed: the error names path, commit and address.
// SECURITY.md: M4.
func TestSubmodulesNotServed(t *testing.T) {
	r := newRepos(t)
	r.commit("lib", file("lib.txt", "library\n"))
	other := r.commit("other", file("a", "a\n"))
	tree, err := gittest.Git(filepath.Join(r.Root, "lib.git"), nil, "rev-parse", "main^{tree}")
	if err != nil {
		t.Fatal(err)
	}
	var (
		missing *gitpin.MissingObjectError
		differs *gitpin.MismatchError
		failed  *gitpin.FetchError
		unsafe  *object.TreeError
	)
	bad := r.commit("bad", file("x", "x\n"), gittest.File{Path: ".gitmodules", Mode: "120000", Content: "x"})
	for name, c := range map[string]struct {
		url, commit string
		target      any
	}{
		"no such repository": {"../none.git", r.commits["lib"], &failed},
		"no such commit":     {"../lib.git", other, &missing},
		"a tree":             {"../lib.git", tree, &differs},
		"an unsafe tree":     {"../bad.git", bad, &unsafe},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			mid := r.commit("mid", gitlink("in", c.commit), modules("in", "in", c.url))
			r.commit("app", file("entrypoint.sh", "echo\n"), gitlink("vendor/mid", mid), modules("mid", "vendor/mid", "../mid.git"))
			p := r.params("app", filepath.Join(t.TempDir(), "work"))
			p.Retries = 0
			address := r.at(strings.TrimSuffix(strings.TrimPrefix(c.url, "../"), ".git"))
			r.refused(t, p, c.target, fmt.Sprintf("submodule %q at commit %s of %s: ", "vendor/mid/in", c.commit, address))
			var part *gitpin.SubmoduleError
			if _, err := gitpin.Pin(context.Background(), p); !errors.As(err, &part) || part.Path != "vendor/mid/in" || part.Commit.String() != c.commit || part.URL != address {
				t.Errorf("%+v", part)
			}
		})
	}
}

// TestSubmoduleCredentials: they go to the scheme, host and port of REPO_URL, and to no
// other.
// SECURITY.md: M2.
func TestSubmoduleCredentials(t *testing.T) {
	r := newRepos(t)
	r.Password = "s3cret"
	stranger := &gittest.Server{Root: r.Root}
	elsewhere, stop, err := stranger.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	lib := r.commit("lib", file("lib.txt", "library\n"))
	// From a stranger's submodule back to REPO_URL's host: that one gets its credential.
	back := r.commit("back", gitlink("lib", lib), modules("lib", "lib", r.at("lib")))
	r.commit("app", file("entrypoint.sh", "echo\n"), gitlink("own", lib), gitlink("other", back),
		modules("own", "own", "../lib.git", "other", "other", elsewhere+"/back.git"))
	p := r.params("app", filepath.Join(t.TempDir(), "work"))
	p.Auth = gitpin.Credentials{Token: credential.NewSecret("TOKEN", r.Password)}
	checkout, err := gitpin.Pin(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	checkout.Close()
	if len(checkout.Submodules) != 3 {
		t.Errorf("placed: %v", checkout.Submodules)
	}
	asked := stranger.Requests()
	for _, q := range asked {
		if q.Authorization {
			t.Errorf("a stranger got a credential: %v", q)
		}
	}
	if len(asked) == 0 {
		t.Error("nobody asked the stranger")
	}
	for _, q := range r.Requests() {
		if !q.Authorized {
			t.Errorf("REPO_URL's host got none: %v", q)
		}
	}
	if err := filepath.WalkDir(p.WorkDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if data, err := os.ReadFile(path); err != nil || bytes.Contains(data, []byte(r.Password)) {
			t.Errorf("%s holds the credential, or %v", path, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestSubmoduleLimits: below, at and above. At the limit something else ends the pin: nobody
// serves the first of them.
// SECURITY.md: M3.
func TestSubmoduleLimits(t *testing.T) {
	const lines, line = 96, 1 << 10
	long := strings.Repeat("x", 240) + "/"
	for name, c := range map[string]struct {
		n    int
		path func(i int) string
		says string
	}{
		"999":   {999, func(i int) string { return fmt.Sprintf("s%d", i) }, ""},
		"1,000": {1000, func(i int) string { return fmt.Sprintf("s%d", i) }, ""},
		"1,001": {1001, func(i int) string { return fmt.Sprintf("s%d", i) }, "is one of more than 1000"},
		"names that fit": {lines, func(i int) string {
			return fmt.Sprintf("%s%0*d", strings.Repeat(long, 4), line-42-4*len(long), i)
		}, ""},
		"names that don't": {lines, func(i int) string {
			return fmt.Sprintf("%s%0*d", strings.Repeat(long, 4), line-42-4*len(long)+min(i, 1), i)
		}, "no room in the launch record"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepos(t)
			var triples []string
			files := []gittest.File{file("entrypoint.sh", "echo\n")}
			for i := range c.n {
				triples = append(triples, fmt.Sprint(i), c.path(i), "../none.git")
				files = append(files, gitlink(c.path(i), strings.Repeat("1", 40)))
			}
			r.commit("app", append(files, modules(triples...))...)
			p := r.params("app", filepath.Join(t.TempDir(), "work"))
			p.Retries = 0
			r.Requests()
			_, err := gitpin.Pin(context.Background(), p)
			var plan *gitpin.PlanError
			var failed *gitpin.FetchError
			asked := slices.ContainsFunc(r.Requests(), func(q gittest.Request) bool { return strings.HasPrefix(q.URL, "/none.git") })
			switch {
			case c.says == "" && (!errors.As(err, &failed) || failed.Reason != fetch.NotFound || !asked):
				t.Errorf("%v", err)
			case c.says != "" && (!errors.As(err, &plan) || !strings.Contains(err.Error(), c.says) || asked):
				t.Errorf("%v; asked %t", err, asked)
			}
		})
	}
}

// TestSubmoduleDepth: a repository whose commits have each other as submodules: 15, 16 and
// 17 deep.
// SECURITY.md: M3.
func TestSubmoduleDepth(t *testing.T) {
	r := newRepos(t)
	last := r.commit("chain", file("entrypoint.sh", "echo\n"))
	for n := 1; n <= 17; n++ {
		r.commit("chain", gitlink("d", last), modules("d", "d", "../chain.git"))
		last = r.commits["chain"]
		p := r.params("chain", filepath.Join(t.TempDir(), "work"))
		p.FetchTimeout = time.Minute
		switch {
		case n < 15:
		case n <= 16:
			checkout, err := gitpin.Pin(context.Background(), p)
			if err != nil || len(checkout.Submodules) != n {
				t.Fatalf("%d: %v", n, err)
			}
			checkout.Close()
		default:
			var plan *gitpin.PlanError
			r.refused(t, p, &plan, "lies in 16 others")
		}
	}
}

// TestSubmodulesTogether: the limits are for all repositories, and not for each.
// SECURITY.md: M3.
func TestSubmodulesTogether(t *testing.T) {
	r := family(t)
	whole := r.pin(t, "app", filepath.Join(t.TempDir(), "work"))
	var size int64
	for path, f := range whole.All() {
		if f.Mode == object.ModeFile {
			text, err := "", error(nil)
			for _, name := range []string{"app", "lib", "in", "other"} {
				if text, err = gittest.Git(filepath.Join(r.Root, name+".git"), nil, "cat-file", "-s", f.ID.String()); err == nil {
					break
				}
			}
			n, perr := strconv.ParseInt(text, 10, 64)
			if err != nil || perr != nil {
				t.Fatal(path, err, perr)
			}
			size += n
		}
	}
	const entries = 6 + 4 + 2 + 1
	for name, c := range map[string]struct {
		set  func(p *gitpin.Params)
		says string
	}{
		"files at the limit": {func(p *gitpin.Params) { p.MaxFiles = entries }, ""},
		"files above":        {func(p *gitpin.Params) { p.MaxFiles = entries - 1 }, "the object limit of 3"},
		"bytes at the limit": {func(p *gitpin.Params) { p.MaxTreeBytes = size }, ""},
		"bytes above":        {func(p *gitpin.Params) { p.MaxTreeBytes = size - 1 }, "the tree limit of"},
		"packs above":        {func(p *gitpin.Params) { p.MaxPackBytes = 600 }, "the pack limit of"},
	} {
		t.Run(name, func(t *testing.T) {
			p := r.params("app", filepath.Join(t.TempDir(), "work"))
			c.set(&p)
			if c.says == "" {
				checkout, err := gitpin.Pin(context.Background(), p)
				if err != nil {
					t.Fatal(err)
				}
				checkout.Close()
				return
			}
			var failed *gitpin.FetchError
			r.refused(t, p, &failed, "submodule ", c.says)
			if failed != nil && failed.Reason != fetch.TooLarge {
				t.Errorf("the reason is %v", failed.Reason)
			}
		})
	}
	t.Run("time", func(t *testing.T) {
		silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		r.t = t
		r.commit("app", file("entrypoint.sh", "echo\n"), gitlink("a", r.commits["lib"]), modules("a", "a", "http://"+silent.Addr().String()+"/x.git"))
		p := r.params("app", filepath.Join(t.TempDir(), "work"))
		p.StallTimeout, p.FetchTimeout = time.Minute, 6*time.Second
		begun := time.Now()
		var failed *gitpin.FetchError
		r.refused(t, p, &failed, "the fetch timeout is over")
		if took := time.Since(begun); took > p.FetchTimeout+5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// TestSubmodulesTampered: whatever the last run did to a submodule, the next start mends it
// without network; and with it where the objects are gone.
// SECURITY.md: M4.
func TestSubmodulesTampered(t *testing.T) {
	r := family(t)
	want := []string{" " + first(t, r, "other") + " other place", " " + r.commits["lib"] + " vendor/lib", " " + r.commits["in"] + " vendor/lib/deep/in"}
	const lib, git = "vendor/lib/", ".git/modules/vendor/lib/"
	write := func(path, text string) func(dir string) error {
		return func(dir string) error {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, path), []byte(text), 0o755)
		}
	}
	for name, c := range map[string]struct {
		do      func(dir string) error
		network bool
	}{
		"a changed file":          {write(lib+"lib.txt", "LIBRARY\n"), false},
		"a changed file, deeper":  {write(lib+"deep/in/in.txt", "INNERMOST\n"), false},
		"a planted file":          {write(lib+"deep/evil", "x"), false},
		"a planted .git":          {write(lib+"deep/.git", "gitdir: /evil"), false},
		"another .git":            {write(lib+".git", "gitdir: ../../.git\n"), false},
		"a changed .gitmodules":   {write(lib+".gitmodules", "[submodule \"in\"]\npath = deep/in\nurl = ext::id\n"), false},
		"a large .gitmodules":     {write(".gitmodules", strings.Repeat("#", 2<<20)), false},
		"a hook":                  {write(git+"hooks/post-checkout", "#!/bin/sh\n"), false},
		"a config":                {write(git+"config", "[core]\nfsmonitor = id\n"), false},
		"another module":          {write(".git/modules/evil/HEAD", "x"), false},
		"a file of another mode":  {func(dir string) error { return os.Chmod(filepath.Join(dir, lib, "lib.txt"), 0o777) }, false},
		"a folder of another one": {func(dir string) error { return os.Chmod(filepath.Join(dir, lib), 0o700) }, false},
		"a missing submodule":     {func(dir string) error { return os.RemoveAll(filepath.Join(dir, lib)) }, false},
		"a link in its place": {func(dir string) error {
			return errors.Join(os.Rename(filepath.Join(dir, lib), filepath.Join(dir, ".git/lib")), os.Symlink("../.git/lib", filepath.Join(dir, "vendor/lib")))
		}, false},
		"a pipe for .gitmodules": {func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, ".gitmodules")), syscall.Mkfifo(filepath.Join(dir, ".gitmodules"), 0o644))
		}, false},
		"no objects":       {func(dir string) error { return os.RemoveAll(filepath.Join(dir, git, "objects")) }, true},
		"no Git directory": {func(dir string) error { return os.RemoveAll(filepath.Join(dir, git)) }, true},
		"a link to elsewhere": {func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, git)), os.Symlink(dir+"/.git", filepath.Join(dir, ".git/modules/vendor/lib")))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "work")
			before := r.pin(t, "app", dir)
			if err := c.do(dir); err != nil {
				t.Fatal(err)
			}
			r.Requests()
			after := r.pin(t, "app", dir)
			if n := len(r.Requests()); (n > 0) != c.network || after.Fetched != c.network {
				t.Errorf("%d requests", n)
			}
			if after.ContentSHA256() != before.ContentSHA256() {
				t.Error("another content")
			}
			agreed(t, dir, want...)
			for _, gone := range []string{".git/lib", git + "hooks", ".git/modules/evil"} {
				if _, err := os.Lstat(filepath.Join(dir, gone)); err == nil {
					t.Errorf("%s is there", gone)
				}
			}
		})
	}
}

// TestSubmodulesAnotherCommit: the same WORK_DIR goes on to another pin, and back, and to
// one without submodules being asked for.
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

// TestSubmodulesWithHistory: FETCH_DEPTH=full is for them, too.
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

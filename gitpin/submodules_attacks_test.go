package gitpin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/gittest"
)

// refused requires that a pin fails with that type of error and those texts, and leaves no
// WORK_DIR.
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

// refusedTree is a tree whose submodules are refused, and why.
type refusedTree struct {
	files  []gittest.File
	target any // the error's type
	says   string
}

// refusedTrees returns trees with gitlinks or .gitmodules that must not be followed. Their
// gitlinks have the commit lib, and their addresses lead to files below root.
func refusedTrees(lib, root string) map[string]refusedTree {
	plan, tree := new(*gitpin.PlanError), new(*object.TreeError)
	link := func(target string) gittest.File {
		return gittest.File{Path: ".gitmodules", Mode: "120000", Content: target}
	}
	return map[string]refusedTree{
		"no .gitmodules":            {[]gittest.File{gitlink("lib", lib)}, plan, `submodule "lib" has no entry`},
		"no entry":                  {[]gittest.File{gitlink("lib", lib), modules("x", "x", "../lib.git")}, plan, `submodule "lib" has no entry`},
		"an empty .gitmodules":      {[]gittest.File{gitlink("lib", lib), file(".gitmodules", "")}, plan, "has no entry"},
		"a directory .gitmodules":   {[]gittest.File{gitlink("lib", lib), file(".gitmodules/x", "")}, plan, "has no entry"},
		"a gitlink .gitmodules":     {[]gittest.File{gitlink("lib", lib), gitlink(".gitmodules", lib)}, plan, "has no entry"},
		"a .gitmodules of below":    {[]gittest.File{gitlink("a/lib", lib), file("a/.gitmodules", modules("x", "lib", "../lib.git").Content)}, plan, "has no entry"},
		"a link .gitmodules":        {[]gittest.File{gitlink("lib", lib), link("real"), file("real", modules("x", "lib", "../lib.git").Content)}, tree, "is a symbolic link where Git wants a file"},
		"a link .GITMODULES":        {[]gittest.File{gitlink("lib", lib), modules("x", "lib", "../lib.git"), {Path: ".GITMODULES", Mode: "120000", Content: "x"}}, tree, "is a symbolic link where Git wants a file"},
		"an unreadable .gitmodules": {[]gittest.File{gitlink("lib", lib), file(".gitmodules", "[submodule \"x\"\n")}, plan, ".gitmodules can't be read: line 1"},
		"a large .gitmodules":       {[]gittest.File{gitlink("lib", lib), file(".gitmodules", strings.Repeat("#", 1<<20+1))}, plan, "larger than 1 MiB"},
		"a name that climbs":        {[]gittest.File{gitlink("lib", lib), modules("../../hooks", "lib", "../lib.git")}, plan, "leads elsewhere"},
		"a name in another's":       {[]gittest.File{gitlink("lib", lib), gitlink("m", lib), modules("x", "lib", "../lib.git", "x/hooks", "m", "../lib.git")}, plan, "would be inside that of"},
		"two entries of a place":    {[]gittest.File{gitlink("lib", lib), modules("x", "lib", "../lib.git", "y", "lib", "../evil.git")}, plan, "more than one entry"},
		"a path of the machine":     {[]gittest.File{gitlink("lib", lib), modules("x", "lib", filepath.Join(root, "lib.git"))}, plan, "is a path on this machine"},
		"file://":                   {[]gittest.File{gitlink("lib", lib), modules("x", "lib", "file://"+filepath.Join(root, "lib.git"))}, plan, "is a path on this machine"},
		"a command":                 {[]gittest.File{gitlink("lib", lib), modules("x", "lib", "ext::sh -c touch% "+filepath.Join(root, "pwned"))}, plan, "transport helper"},
		"an option":                 {[]gittest.File{gitlink("lib", lib), modules("x", "lib", "--upload-pack=touch "+filepath.Join(root, "pwned"))}, plan, "begins with a dash"},
	}
}

// TestSubmodulesRefused: no submodule of such a tree is requested.
// SECURITY.md: M1.
func TestSubmodulesRefused(t *testing.T) {
	r := newRepos(t)
	lib := r.commit("lib", file("lib.txt", "library\n"))
	for name, c := range refusedTrees(lib, r.Root) {
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

// TestSubmodulesNotServed: the error names the submodule's path, commit and address.
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

// TestSubmoduleCredentials: credentials go only to the scheme, host and port of REPO_URL.
// SECURITY.md: M2.
func TestSubmoduleCredentials(t *testing.T) {
	r := newRepos(t)
	r.Password = "s3cret"
	stranger := &gittest.Server{Root: r.Root}
	elsewhere := started(t, stranger)
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
	withoutSecret(t, p.WorkDir, r.Password)
}

// withoutSecret requires that no file of a directory holds a secret.
func withoutSecret(t *testing.T, dir, secret string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if data, err := os.ReadFile(path); err != nil || bytes.Contains(data, []byte(secret)) {
			t.Errorf("%s holds the credential, or %v", path, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// tampering is what a run did to a submodule, and whether the next start needs a network for it.
type tampering struct {
	do      func(dir string) error
	network bool
}

// tamperings are those of a family.
func tamperings() map[string]tampering {
	const lib, git = "vendor/lib/", ".git/modules/vendor/lib/"
	write := func(path, text string) func(dir string) error {
		return func(dir string) error {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, path), []byte(text), 0o755)
		}
	}
	return map[string]tampering{
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
	}
}

// TestSubmodulesTampered: whatever the last run did to a submodule, the next start repairs
// it. It needs the network only where the objects are gone.
// SECURITY.md: M4.
func TestSubmodulesTampered(t *testing.T) {
	r := family(t)
	want := []string{" " + first(t, r, "other") + " other place", " " + r.commits["lib"] + " vendor/lib", " " + r.commits["in"] + " vendor/lib/deep/in"}
	const git = ".git/modules/vendor/lib/"
	for name, c := range tamperings() {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "work")
			before := r.pin(t, "app", dir)
			if !c.network { // a restart, whose packs the next one shares
				r.pin(t, "app", dir)
			}
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

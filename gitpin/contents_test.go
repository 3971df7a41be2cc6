package gitpin_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/internal/gittest"
	"gitlauncher/internal/gittest/habit"
	"gitlauncher/internal/lfstest"
	"gitlauncher/internal/testenv"
)

// lfsHost is a Git server with a Git LFS server in front of it, to which git-lfs itself has
// pushed.
type lfsHost struct {
	host
	lfs   *lfstest.Server
	files map[string]string // what the checkout should have
}

// newLFSHost makes a repository with git-lfs and options of git init, and has it push what
// it tracks.
func newLFSHost(t testing.TB, options ...string) *lfsHost {
	t.Helper()
	if _, err := exec.LookPath("git-lfs"); err != nil {
		testenv.Skip(t, "needs git-lfs: %v", err)
	}
	root := t.TempDir()
	repo, err := gittest.NewRepo(filepath.Join(root, "r.git"), options...)
	if err != nil {
		t.Fatal(err)
	}
	h := &lfsHost{lfs: &lfstest.Server{Dir: t.TempDir()}, files: map[string]string{
		"entrypoint.sh": "cat model.bin\n", ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
		"model.bin": "the weights\n", "deep/er/same.bin": "the weights\n", "deep/tool.bin": "#!/bin/sh\necho tool\n",
		"empty.bin": "", "large.bin": string(bytes.Repeat([]byte("large "), 1<<20)),
	}}
	h.Sample = &gittest.Sample{Repo: repo}
	h.serve(t, root)
	work := t.TempDir()
	for name, content := range h.files {
		mode := os.FileMode(0o644)
		if name == "deep/tool.bin" {
			mode = 0o755
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(work, name)), 0o755), os.WriteFile(filepath.Join(work, name), []byte(content), mode)); err != nil {
			t.Fatal(err)
		}
	}
	h.git(t, work, append([]string{"init", "-q"}, options...)...)
	h.git(t, work, "lfs", "install", "--local", "--skip-repo")
	h.git(t, work, "add", "-A")
	h.git(t, work, "commit", "-qm", "with git-lfs")
	h.git(t, work, "push", "-q", "--no-verify", repo.Dir, "HEAD:refs/heads/main")
	h.git(t, work, "lfs", "push", "--all", h.url)
	h.Head = h.git(t, work, "rev-parse", "HEAD")
	h.lfs.Requests()
	return h
}

// serve begins to serve both.
func (h *lfsHost) serve(t testing.TB, root string) {
	t.Helper()
	h.Server = &gittest.Server{Root: root, Habits: []habit.Habit{h.lfs.Habit}}
	url, stop, err := h.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	h.url, h.stop = url+"/r.git", stop
}

// another returns another server of the same repository and contents.
func (h *lfsHost) another(t testing.TB) *lfsHost {
	t.Helper()
	sample := *h.Sample
	n := &lfsHost{host: host{Sample: &sample}, lfs: &lfstest.Server{Dir: h.lfs.Dir}, files: h.files}
	n.serve(t, h.Root)
	return n
}

// git runs git with its own home, which git-lfs may configure.
func (h *lfsHost) git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, append(gittest.Env(), "HOME="+dir, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=lfs.locksverify", "GIT_CONFIG_VALUE_0=false")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (h *lfsHost) params(t testing.TB, dir string) gitpin.Params {
	p := h.host.params(t, h.Head, dir)
	p.LFS, p.Retries, p.StallTimeout = true, 0, time.Second
	return p
}

func (h *lfsHost) pin(t testing.TB, dir string) (*gitpin.Checkout, error) {
	t.Helper()
	c, err := gitpin.Pin(context.Background(), h.params(t, dir))
	if err == nil {
		c.Close()
	}
	return c, err
}

// holds requires that the checkout has every content, that git finds it clean, with git-lfs
// and without, and that the digests are over the real bytes.
func (h *lfsHost) holds(t testing.TB, dir string, c *gitpin.Checkout) {
	t.Helper()
	listed, placed := sha256.New(), sha256.New()
	for _, f := range c.Files {
		got, err := os.ReadFile(filepath.Join(dir, f.Path))
		if err != nil || string(got) != h.files[f.Path] {
			t.Errorf("%s has %d bytes: %v", f.Path, len(got), err)
		}
		info, err := os.Stat(filepath.Join(dir, f.Path))
		if err != nil || info.Mode().Perm() != map[object.Mode]os.FileMode{object.ModeFile: 0o644, object.ModeExec: 0o755}[f.Mode] {
			t.Errorf("%s has mode %v: %v", f.Path, info.Mode(), err)
		}
		fmt.Fprintf(listed, "%06o %x %s\x00", uint32(f.Mode), sha256.Sum256(got), f.Path)
		if strings.HasSuffix(f.Path, ".bin") && len(got) > 0 {
			fmt.Fprintf(placed, "%x %d %s\x00", sha256.Sum256(got), len(got), f.Path)
		}
	}
	if len(c.Files) != len(h.files) {
		t.Errorf("%d files", len(c.Files))
	}
	if got := hex.EncodeToString(listed.Sum(nil)); got != c.ContentSHA256() {
		t.Errorf("content_sha256 is %s, not %s", c.ContentSHA256(), got)
	}
	if got := hex.EncodeToString(placed.Sum(nil)); got != c.LFSSHA256() {
		t.Errorf("lfs_sha256 is %s, not %s", c.LFSSHA256(), got)
	}
	if got, err := gittest.Git(dir, nil, "status", "--porcelain", "--ignored"); err != nil || got != "" {
		t.Errorf("git status: %s %v", got, err)
	}
	for _, args := range [][]string{{"fsck", "--strict"}, {"-c", "filter.lfs.clean=git-lfs clean -- %f", "-c", "filter.lfs.process=git-lfs filter-process", "status", "--porcelain"}} {
		if got := h.git(t, dir, args...); got != "" {
			t.Errorf("git %v: %s", args, got)
		}
	}
	if got := h.git(t, dir, "lfs", "fsck", "--pointers"); got != "Git LFS fsck OK" {
		t.Errorf("git lfs fsck --pointers: %s", got)
	}
	if got := h.git(t, dir, "lfs", "ls-files"); strings.Count(got, " * ") != 4 {
		t.Errorf("git lfs ls-files:\n%s", got)
	}
}

// TestLFS: contents that git-lfs has pushed are placed, and a restart needs neither network
// nor pointers.
func TestLFS(t *testing.T) {
	h := newLFSHost(t)
	dir := filepath.Join(t.TempDir(), "work")
	c, err := h.pin(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	h.holds(t, dir, c)
	if n := len(h.lfs.Requests()); n != 4 { // one batch and three contents, of which one is at two paths
		t.Errorf("%d requests", n)
	}
	content := c.ContentSHA256()
	h.Server.Requests()
	for range 2 {
		again, err := h.pin(t, dir)
		if err != nil || again.Fetched || again.ContentSHA256() != content {
			t.Fatalf("restart: %v", err)
		}
		h.holds(t, dir, again)
	}
	if n := len(h.Server.Requests()) + len(h.lfs.Requests()); n != 0 {
		t.Errorf("restarts made %d requests", n)
	}
}

// TestLFSOff: without LFS=fetch the files are pointers, and with it they are contents again,
// whatever was there before.
func TestLFSOff(t *testing.T) {
	h := newLFSHost(t)
	dir := filepath.Join(t.TempDir(), "work")
	for _, on := range []bool{true, false, true} {
		p := h.params(t, dir)
		p.LFS = on
		c, err := gitpin.Pin(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if on {
			h.holds(t, dir, c)
			continue
		}
		if _, n := c.NotFetched(); n != 4 || c.LFSSHA256() != "" {
			t.Errorf("%d pointers", n)
		}
		clean(t, h.Dir, h.Head, dir)
	}
}

// TestLFSTampered: no change of a content by the last run survives.
// SECURITY.md: W1.
func TestLFSTampered(t *testing.T) {
	h := newLFSHost(t)
	dir := filepath.Join(t.TempDir(), "work")
	cold, err := h.pin(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	h.lfs.Requests()
	// Another file has the content of the first. The pointer of a large file is read before it.
	for _, file := range []string{"model.bin", "large.bin"} {
		pointer, err := gittest.Git(h.Dir, nil, "cat-file", "blob", h.Head+":"+file)
		if err != nil {
			t.Fatal(err)
		}
		content := h.files[file]
		write := func(text string) func(string) error {
			return func(at string) error { return os.WriteFile(at, []byte(text), 0o644) }
		}
		half := len(content) / 2
		for name, tamper := range map[string]func(at string) error{
			"a byte":        write(content[:half] + "\x00" + content[half+1:]),
			"the last byte": write(content[:len(content)-1] + "\x00"),
			"a pointer":     write(pointer + "\n"),
			"longer":        write(content + "\n"),
			"shorter":       write(content[:len(content)-1]),
			"other mode":    func(at string) error { return os.Chmod(at, 0o755) },
			"gone":          os.Remove,
			"another one":   write(h.files["deep/tool.bin"]),
			"a pipe":        func(at string) error { return errors.Join(os.Remove(at), syscall.Mkfifo(at, 0o644)) },
			"a link":        func(at string) error { return errors.Join(os.Remove(at), os.Symlink("deep/tool.bin", at)) },
			"another file":  func(string) error { return os.WriteFile(filepath.Join(dir, "entrypoint.sh"), []byte("evil"), 0o644) },
		} {
			if err := tamper(filepath.Join(dir, file)); err != nil {
				t.Fatal(err)
			}
			c, err := h.pin(t, dir)
			there := file == "model.bin" || name == "other mode" || name == "another file"
			if err != nil || c.Fetched == there || c.ContentSHA256() != cold.ContentSHA256() {
				t.Errorf("%s, %s: %v", file, name, err)
			}
			if n := len(h.lfs.Requests()); n != map[bool]int{false: 2, true: 0}[there] { // a batch, and the one content
				t.Errorf("%s, %s: %d requests", file, name, n)
			}
			if got, err := os.ReadFile(filepath.Join(dir, file)); err != nil || string(got) != content {
				t.Errorf("%s, %s: it has %d bytes, %v", file, name, len(got), err)
			}
		}
		h.holds(t, dir, cold)
	}
}

// TestLFSAnotherCommit: a commit with contents that are there already needs no others. The last
// run could change what is there, so each is hashed again.
// SECURITY.md: W1.
func TestLFSAnotherCommit(t *testing.T) {
	h := newLFSHost(t)
	dir := filepath.Join(t.TempDir(), "work")
	if _, err := h.pin(t, dir); err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(dir, "large.bin")
	if err := os.WriteFile(large, []byte(strings.ToUpper(h.files["large.bin"])), 0o644); err != nil {
		t.Fatal(err)
	}
	blob := func(name string) string {
		t.Helper()
		text, err := gittest.Git(h.Dir, nil, "cat-file", "blob", h.Head+":"+name)
		if err != nil {
			t.Fatal(err)
		}
		return text + "\n"
	}
	var err error
	if h.Head, err = h.Commit("main", "next", file("moved.bin", blob("large.bin")), file("model.bin", blob("model.bin")), file("large.bin", blob("large.bin"))); err != nil {
		t.Fatal(err)
	}
	h.lfs.Requests()
	s := scene{params: h.params(t, dir), commits: "1", contents: map[string]string{"moved.bin": h.files["large.bin"], "large.bin": h.files["large.bin"], "model.bin": h.files["model.bin"]}}
	s.pin(t, true)
	if n := len(h.lfs.Requests()); n != 2 { // a batch, and the one that was changed
		t.Errorf("%d requests", n)
	}
}

// TestLFSCredential: the token goes only to the repository's own origin.
// SECURITY.md: G6.
func TestLFSCredential(t *testing.T) {
	h := newLFSHost(t)
	h.lfs.Token = "s3cret"
	h.Server.Password = "s3cret"
	storage := &lfstest.Server{Dir: h.lfs.Dir}
	other := httptest.NewServer(storage)
	t.Cleanup(other.Close)
	h.lfs.Storage = other.URL
	dir := filepath.Join(t.TempDir(), "work")
	p := h.params(t, dir)
	p.Auth = gitpin.Credentials{Token: credential.NewSecret("T", "s3cret")}
	c, err := gitpin.Pin(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	h.holds(t, dir, c)
	for _, r := range h.lfs.Requests() {
		if r.Authorization == "" {
			t.Errorf("the repository's own host got no credential: %v", r)
		}
	}
	elsewhere := storage.Requests()
	if len(elsewhere) != 3 {
		t.Errorf("%d requests", len(elsewhere))
	}
	for _, r := range elsewhere {
		if r.Authorization != "" {
			t.Errorf("another host got a credential: %v", r)
		}
	}
}

// TestLFSConfig: .lfsconfig may name another server, by the rules for addresses and for
// redirects.
// SECURITY.md: G11.
func TestLFSConfig(t *testing.T) {
	filled := newLFSHost(t)
	for text, says := range map[string]string{
		"":                                      "",
		"[lfs]\n\turl = OTHER/x.git/info/lfs\n": "",
		"[lfs]\n\turl = USER@OTHER/x.git/info/lfs\n": "", // git-lfs would ask for the user's password
		"[lfs]\n\turl = https://u:p@h/x\n":           "holds a credential",
		"[lfs]\n\turl = ssh://git@h/x\n":             "neither https:// nor http://",
		"[lfs]\n\turl = file:///etc\n":               "neither https:// nor http://",
		"[lfs]\n\turl = http://169.254.169.254/x\n":  "to a link-local or loopback address",
		"[lfs\n":         "can't be read: line 1",
		"[lfs]\n\turl\n": "is empty",
	} {
		h := filled.another(t)
		batch := &lfstest.Server{Dir: h.lfs.Dir}
		other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if who := r.Header.Get("Authorization"); who != "" {
				t.Errorf("%q: logs in by %q", text, who)
			}
			batch.ServeHTTP(w, r)
		}))
		t.Cleanup(other.Close)
		pointer, err := gittest.Git(h.Dir, nil, "cat-file", "blob", h.Head+":model.bin")
		if err != nil {
			t.Fatal(err)
		}
		if h.Head, err = h.Commit("main", "m", gittest.File{Path: ".lfsconfig", Content: strings.NewReplacer("USER@OTHER", strings.Replace(other.URL, "//", "//user@", 1), "OTHER", other.URL).Replace(text)}, gittest.File{Path: "m", Content: pointer + "\n"}); err != nil {
			t.Fatal(err)
		}
		_, err = h.pin(t, filepath.Join(t.TempDir(), "work"))
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, not %q", text, err, says)
		}
		if strings.Contains(text, "OTHER") && (len(batch.Requests()) == 0 || len(h.lfs.Requests()) != 0) {
			t.Error("the server of .lfsconfig was not asked, or another one was")
		}
	}
}

// TestLFSPointers: a pointer in another form, or with a size above the limits, ends a launch
// before any request. A file that only begins like a pointer is a plain file.
// SECURITY.md: G11.
func TestLFSPointers(t *testing.T) {
	filled := newLFSHost(t)
	const version = "version https://git-lfs.github.com/spec/v1\n"
	oid := "oid sha256:" + strings.Repeat("ab", 32) + "\n"
	var tree *object.TreeError
	var limit *pack.LimitError
	for text, as := range map[string]any{
		version + oid + "size 9223372036854775807\n":       &limit,
		version + oid + "size 1073741825\n":                &limit,
		version + oid + "size 5":                           &tree,
		version + "ext-0-x sha256:ab\n" + oid + "size 5\n": &tree,
		version + strings.Repeat("x", 1024):                nil,
	} {
		h := filled.another(t)
		var err error
		if h.Head, err = h.Commit("main", "m", gittest.File{Path: "m", Content: text}); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "work")
		_, err = h.pin(t, dir)
		if (as == nil) != (err == nil) || err != nil && !errors.As(err, as) {
			t.Errorf("%.80q: %v", text, err)
		}
		if n := len(h.lfs.Requests()); n != 0 {
			t.Errorf("%.80q: %d requests", text, n)
		}
		if err == nil {
			clean(t, h.Dir, h.Head, dir)
		}
	}
}

// TestLFSLocal: the contents of a repository on this machine are read from where git-lfs
// keeps them.
func TestLFSLocal(t *testing.T) {
	h := newLFSHost(t)
	missing := filepath.Join(t.TempDir(), "work")
	p := h.params(t, missing)
	p.Repo = address(t, h.Dir)
	if _, err := gitpin.Pin(context.Background(), p); err == nil || !strings.Contains(err.Error(), "has no Git LFS objects") {
		t.Errorf("none there: %v", err)
	}
	h.git(t, h.Dir, "-c", "safe.directory=*", "-c", "remote.origin.url="+h.url, "lfs", "fetch", "--all", "origin")
	dir := filepath.Join(t.TempDir(), "work")
	p = h.params(t, dir)
	p.Repo = address(t, h.Dir)
	c, err := gitpin.Pin(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	h.holds(t, dir, c)
	oid := fmt.Sprintf("%x", sha256.Sum256([]byte("the weights\n")))
	object := filepath.Join(h.Dir, "lfs/objects", oid[:2], oid[2:4], oid)
	for says, change := range map[string]func() error{
		"does not match its SHA-256":       func() error { os.Chmod(object, 0o644); return os.WriteFile(object, []byte("the weightz\n"), 0o644) },
		"does not have the Git LFS object": func() error { return os.Remove(object) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		p.WorkDir = filepath.Join(t.TempDir(), "work")
		if _, err := gitpin.Pin(context.Background(), p); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, not %s", err, says)
		}
	}
}

// TestLFSMirror: if REPO_URL does not answer, the contents come from a mirror's Git LFS
// server.
func TestLFSMirror(t *testing.T) {
	h := newLFSHost(t)
	p := h.params(t, filepath.Join(t.TempDir(), "work"))
	p.Mirrors = append(p.Mirrors, p.Repo)
	p.Repo = address(t, "http://127.0.0.1:9/gone.git")
	c, err := gitpin.Pin(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	h.holds(t, p.WorkDir, c)
}

// TestLFSInSubmodule: a submodule's contents come from the server of its own repository, and
// are in the listings below its path.
func TestLFSInSubmodule(t *testing.T) {
	h := newLFSHost(t)
	outer, err := gittest.NewRepo(filepath.Join(h.Root, "outer.git"))
	if err != nil {
		t.Fatal(err)
	}
	sub := h.Head
	if h.Head, err = outer.Commit("main", "outer", gittest.File{Path: ".gitmodules", Content: "[submodule \"m\"]\n\tpath = m\n\turl = ../r.git\n"}, gittest.File{Path: "m", Mode: "160000", Content: sub}); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "work")
	h.url = strings.Replace(h.url, "/r.git", "/outer.git", 1)
	for _, fetched := range []bool{true, false} {
		p := h.params(t, dir)
		p.Submodules = true
		c, err := gitpin.Pin(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if c.Fetched != fetched || len(c.Submodules) != 1 {
			t.Fatalf("fetched %t, %d submodules", c.Fetched, len(c.Submodules))
		}
		placed := sha256.New()
		for _, name := range []string{"deep/er/same.bin", "deep/tool.bin", "large.bin", "model.bin"} {
			got, err := os.ReadFile(filepath.Join(dir, "m", name))
			if err != nil || string(got) != h.files[name] {
				t.Errorf("%s: %v", name, err)
			}
			fmt.Fprintf(placed, "%x %d m/%s\x00", sha256.Sum256(got), len(got), name)
		}
		if got := hex.EncodeToString(placed.Sum(nil)); got != c.LFSSHA256() {
			t.Errorf("lfs_sha256 is %s, not %s", c.LFSSHA256(), got)
		}
		if got, err := gittest.Git(dir, nil, "status", "--porcelain", "--ignored"); err != nil || got != "" {
			t.Errorf("git status: %s %v", got, err)
		}
	}
	p := h.params(t, filepath.Join(t.TempDir(), "work"))
	p.Submodules, p.MaxTreeBytes = true, 6<<20+60 // the submodule's pointers are within it, and the contents are not
	var limit *pack.LimitError
	if _, err := gitpin.Pin(context.Background(), p); !errors.As(err, &limit) {
		t.Errorf("the limit over all: %v", err)
	}
}

// TestLFSMany: there may be more contents than one request may name.
func TestLFSMany(t *testing.T) {
	h := newLFSHost(t)
	h.files = make(map[string]string)
	var files []gittest.File
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 250 {
		content := fmt.Sprintf("content %d of %d\n", i, random.Uint64())
		oid, err := h.lfs.Put([]byte(content))
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("d%d/f%d", i%7, i)
		h.files[name] = content
		files = append(files, gittest.File{Path: name, Content: fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", oid, len(content))})
	}
	var err error
	if h.Head, err = h.Commit("main", "many", files...); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "work")
	c, err := h.pin(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range h.files {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != content {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if n := len(h.lfs.Requests()); n != 253 || c.LFSSHA256() == "" {
		t.Errorf("%d requests", n)
	}
}

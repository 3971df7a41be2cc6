package gitpin_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/gittest"
	"gitlauncher/internal/testenv"
)

// host is a Git server with the sample repository.
type host struct {
	*gittest.Server
	*gittest.Sample
	url  string
	stop func()
}

// started starts a server for as long as the test lasts, and returns its address.
func started(t testing.TB, server *gittest.Server) (url string) {
	t.Helper()
	url, stop, err := server.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return url
}

// newHost serves the sample repository, made with options of git init.
func newHost(t testing.TB, options ...string) *host {
	t.Helper()
	root := t.TempDir()
	sample, err := gittest.NewSample(filepath.Join(root, "r.git"), options...)
	if err != nil {
		t.Fatal(err)
	}
	h := &host{Server: &gittest.Server{Root: root}, Sample: sample}
	url, stop, err := h.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	h.url, h.stop = url+"/r.git", stop
	return h
}

// params returns parameters that pin a commit of the host.
func (h *host) params(t testing.TB, commit, workDir string) gitpin.Params {
	t.Helper()
	repo, err := config.ParseRepoURL(h.url)
	if err != nil {
		t.Fatal(err)
	}
	id, err := object.ParseID(commit)
	if err != nil {
		t.Fatal(err)
	}
	return gitpin.Params{
		Repo: repo, Commit: id, WorkDir: workDir,
		MaxPackBytes: 1 << 30, MaxTreeBytes: 1 << 30, MaxFiles: 100_000,
		StallTimeout: 5 * time.Second, FetchTimeout: 20 * time.Second, LockTimeout: 10 * time.Second,
		Log: slog.New(slog.DiscardHandler), Progress: func(int64) {}, Stage: func(gitpin.Stage) {},
		Sleep: func(ctx context.Context, d time.Duration) error {
			time.Sleep(min(d, 20*time.Millisecond))
			return ctx.Err()
		},
		Now: time.Now, Hasher: object.Format.NewHasher,
	}
}

func (h *host) pin(t testing.TB, workDir string) (*gitpin.Checkout, error) {
	t.Helper()
	c, err := gitpin.Pin(context.Background(), h.params(t, h.Head, workDir))
	if err == nil {
		c.Close()
	}
	return c, err
}

// clean checks that git agrees with the checkout, and that it has exactly the pinned bytes
// and files, besides those that git names as ignored.
func clean(t testing.TB, repo, commit, dir string, ignored ...string) {
	t.Helper()
	run := func(where string, args ...string) string {
		t.Helper()
		out, err := gittest.Git(where, nil, args...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := run(dir, "rev-parse", "HEAD"); got != commit {
		t.Errorf("HEAD is %s", got)
	}
	if got := run(dir, "status", "--porcelain", "--ignored"); got != strings.Join(ignored, "\n") {
		t.Errorf("git status: %s", got)
	}
	if got := run(dir, "fsck", "--strict"); got != "" {
		t.Errorf("git fsck: %s", got)
	}
	if got, want := run(dir, "ls-tree", "-r", "HEAD"), run(repo, "ls-tree", "-r", commit); got != want {
		t.Errorf("trees differ:\n%s\n%s", got, want)
	}
	// Every file by its own bytes, without git's index or filters.
	for _, line := range strings.Split(run(repo, "ls-tree", "-rz", commit), "\x00") {
		meta, path, ok := strings.Cut(line, "\t")
		if !ok {
			continue
		}
		mode, id := meta[:6], strings.Fields(meta)[2]
		if mode == "160000" {
			continue
		}
		want, err := gittest.Git(repo, nil, "cat-file", "blob", id)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, path)
		info, err := os.Lstat(name)
		if err != nil {
			t.Error(err)
			continue
		}
		var got string
		switch {
		case mode == "120000" && info.Mode().Type() == os.ModeSymlink:
			got, _ = os.Readlink(name)
		case mode == "100755" && info.Mode() == 0o755, mode == "100644" && info.Mode() == 0o644:
			b, _ := os.ReadFile(name)
			got = string(b)
		default:
			t.Errorf("%s has mode %v", path, info.Mode())
			continue
		}
		if strings.TrimRight(got, "\n") != want {
			t.Errorf("%s has other content: %q", path, got)
		}
	}
}

func TestPin(t *testing.T) {
	t.Run("SHA-1", func(t *testing.T) { pinned(t, newHost(t)) })
	t.Run("SHA-256", func(t *testing.T) { pinned(t, newHost(t, gittest.SHA256)) })
}

func pinned(t *testing.T, h *host) {
	dir := filepath.Join(t.TempDir(), "a", "work")
	c, err := h.pin(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Fetched || len(c.Files) != 8 {
		t.Errorf("fetched %t, %d files", c.Fetched, len(c.Files))
	}
	clean(t, h.Dir, h.Head, dir)
	h.Requests()
	again, err := h.pin(t, dir)
	if err != nil || again.Fetched || again.ContentSHA256() != c.ContentSHA256() {
		t.Errorf("restart: %v", err)
	}
	clean(t, h.Dir, h.Head, dir)
	if n := len(h.Requests()); n != 0 {
		t.Errorf("a restart made %d requests", n)
	}
	// Beside the checkout there is only the control directory.
	names, _ := filepath.Glob(filepath.Join(filepath.Dir(dir), ".*"))
	if len(names) != 1 || filepath.Base(names[0]) != ".work.git-launcher" {
		t.Errorf("beside the checkout: %v", names)
	}
}

// TestAnotherCommit: one WORK_DIR can go from one pin to another.
func TestAnotherCommit(t *testing.T) {
	h := newHost(t)
	dir := filepath.Join(t.TempDir(), "work")
	for _, commit := range []string{h.Head, h.First, h.Head} {
		c, err := gitpin.Pin(context.Background(), h.params(t, commit, dir))
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		clean(t, h.Dir, commit, dir)
	}
}

// TestOneAtATime: ten launchers on one WORK_DIR all succeed.
func TestOneAtATime(t *testing.T) {
	h := newHost(t)
	dir := filepath.Join(t.TempDir(), "work")
	errs := make(chan error, 10)
	for range cap(errs) {
		go func() {
			_, err := h.pin(t, dir)
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	clean(t, h.Dir, h.Head, dir)
}

// TestKilledBetweenRenames: if a file system can't exchange two names, a kill can leave the
// old checkout in the control directory. The next start puts it back and uses it.
func TestKilledBetweenRenames(t *testing.T) {
	h := newHost(t)
	dir := filepath.Join(t.TempDir(), "work")
	if _, err := h.pin(t, dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, filepath.Join(filepath.Dir(dir), ".work.git-launcher", "old")); err != nil {
		t.Fatal(err)
	}
	h.stop()
	if c, err := h.pin(t, dir); err != nil || c.Fetched {
		t.Fatalf("%v", err)
	}
	clean(t, h.Dir, h.Head, dir)
}

// TestPackOfARestart: the first restart makes the stored pack, and later ones keep it. If it
// was damaged, it is made again. All that needs no network.
func TestPackOfARestart(t *testing.T) {
	t.Run("SHA-1", func(t *testing.T) { packOfARestart(t, newHost(t)) })
	t.Run("SHA-256", func(t *testing.T) { packOfARestart(t, newHost(t, gittest.SHA256)) })
}

func packOfARestart(t *testing.T, h *host) {
	dir := filepath.Join(t.TempDir(), "work")
	if _, err := h.pin(t, dir); err != nil {
		t.Fatal(err)
	}
	h.stop()
	kept := func() (name string, info os.FileInfo) {
		t.Helper()
		packs, err := filepath.Glob(filepath.Join(dir, ".git/objects/pack/*.pack"))
		if err != nil || len(packs) != 1 {
			t.Fatalf("%v %v", packs, err)
		}
		if info, err = os.Stat(packs[0]); err != nil {
			t.Fatal(err)
		}
		return packs[0], info
	}
	restart := func() {
		t.Helper()
		if c, err := h.pin(t, dir); err != nil || c.Fetched {
			t.Fatalf("%v", err)
		}
		clean(t, h.Dir, h.Head, dir)
	}
	_, fetched := kept()
	restart()
	name, made := kept()
	if data, err := os.ReadFile(name); err != nil || !strings.Contains(string(data), "hello from the pinned commit\n") || os.SameFile(fetched, made) {
		t.Errorf("the first restart leaves no stored pack (%v)", err)
	}
	restart()
	if _, again := kept(); !os.SameFile(made, again) {
		t.Error("the second restart makes the pack anew")
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-len(h.Head)/2-5] ^= 1
	if err := os.WriteFile(name, data, 0o444); err != nil {
		t.Fatal(err)
	}
	restart()
	if after, mended := kept(); after != name || os.SameFile(made, mended) {
		t.Error("a damaged pack is not made anew")
	}
}

// TestRestartOnAFullDisk: if there is no room for a stored pack, the existing pack is proven
// and kept.
func TestRestartOnAFullDisk(t *testing.T) {
	h := newHost(t)
	var files []gittest.File
	for i := range 30 {
		files = append(files, gittest.File{Path: fmt.Sprint("f", i), Content: strings.Repeat(fmt.Sprintln("line", i), 100_000)})
	}
	commit, err := h.Commit("large", "large", files...)
	if err != nil {
		t.Fatal(err)
	}
	vol := t.TempDir()
	testenv.Tmpfs(t, vol, "size=32m")
	dir := filepath.Join(vol, "work")
	for launch := range 3 {
		c, err := gitpin.Pin(context.Background(), h.params(t, commit, dir))
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		if c.Fetched != (launch == 0) {
			t.Errorf("launch %d: fetched is %t", launch, c.Fetched)
		}
		clean(t, h.Dir, commit, dir)
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(vol, &fs); err != nil || fs.Bavail*uint64(fs.Bsize) > 20<<20 {
		t.Errorf("the disk was never full: %d bytes are free (%v)", fs.Bavail*uint64(fs.Bsize), err)
	}
}

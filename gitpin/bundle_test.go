package gitpin_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch"
	"gitlauncher/internal/gittest"
)

// bundled makes a bundle of a repository.
func bundled(t testing.TB, repo string, args ...string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "b")
	if _, err := gittest.Git(repo, nil, append([]string{"bundle", "create", "-q", args[0], file}, args[1:]...)...); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fromBundle pins the head of the host's repository from a bundle of that content.
func (h *host) fromBundle(t testing.TB, content []byte) (dir string, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a b.bundle")
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "work")
	p := h.params(t, h.Head, dir)
	p.Repo, p.Retries = address(t, file), -1 // a fault in a file must not cause further tries
	begun := time.Now()
	c, err := gitpin.Pin(context.Background(), p)
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("took %v", took)
	}
	if err == nil {
		c.Close()
	} else if _, there := os.Lstat(dir); there == nil {
		t.Error("WORK_DIR exists after a refusal")
	}
	return dir, err
}

// TestBundle: a bundle that git makes is pinned, in either version, whether it has only the
// pin or more. No request goes to a host.
func TestBundle(t *testing.T) {
	h := newHost(t)
	for name, args := range map[string][]string{
		"version 2": {"--version=2", "main"}, "version 3": {"--version=3", "main"},
		"all": {"--version=2", "--all"}, "HEAD": {"--version=3", "HEAD"}, "a tag": {"--version=2", "v1"},
	} {
		dir, err := h.fromBundle(t, bundled(t, h.Dir, args...))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		clean(t, h.Dir, h.Head, dir)
	}
	if n := len(h.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestBundleAsMirror: a bundle replaces a host that does not answer, also with history.
func TestBundleAsMirror(t *testing.T) {
	h := newHost(t)
	file := filepath.Join(t.TempDir(), "b.bundle")
	if err := os.WriteFile(file, bundled(t, h.Dir, "--version=2", "--all"), 0o644); err != nil {
		t.Fatal(err)
	}
	h.stop()
	dir := filepath.Join(t.TempDir(), "work")
	p := h.params(t, h.Head, dir)
	p.Mirrors, p.FullHistory = []config.RepoURL{address(t, "file://"+file)}, true
	c, err := gitpin.Pin(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	clean(t, h.Dir, h.Head, dir)
	if n, err := gittest.Git(dir, nil, "rev-list", "--count", "HEAD"); err != nil || n != "2" {
		t.Errorf("%s commits: %v", n, err)
	}
}

// badBundle is a bundle that is refused, and why.
type badBundle struct {
	content []byte
	reason  fetch.Reason // -1 if the fault is not one of the transfer
	says    string
}

// badBundles returns bundles of the host's repository with a fault.
func badBundles(t *testing.T, h *host) map[string]badBundle {
	t.Helper()
	good := bundled(t, h.Dir, "--version=2", "main")
	_, pack, _ := bytes.Cut(good, []byte("\n\n"))
	sha256 := t.TempDir()
	for _, args := range [][]string{{"init", "-q", "--bare", "--object-format=sha256", "."}, {"commit-tree", "-m", "m", "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"}} {
		if args[0] == "commit-tree" {
			if _, err := gittest.Git(sha256, nil, "hash-object", "-w", "-t", "tree", "/dev/null"); err != nil {
				t.Fatal(err)
			}
		}
		out, err := gittest.Git(sha256, nil, args...)
		if err != nil {
			t.Fatal(err)
		}
		if args[0] == "commit-tree" {
			if _, err := gittest.Git(sha256, nil, "update-ref", "refs/heads/main", out); err != nil {
				t.Fatal(err)
			}
		}
	}
	ref := h.Head + " refs/heads/main\n"
	with := func(header string) []byte { return append([]byte(header), pack...) }
	return map[string]badBundle{
		"prerequisites":                   {bundled(t, h.Dir, "--version=2", h.First+"..main"), fetch.BadBundle, "holds what came after commit " + h.First + ", and not that commit itself"},
		"a filter":                        {bundled(t, h.Dir, "--version=3", "--filter=blob:none", "main"), fetch.BadBundle, `was made with a filter ("blob:none")`},
		"another object format":           {bundled(t, sha256, "--version=3", "main"), fetch.OtherFormat, "the repository is a SHA-256 one"},
		"an unknown capability":           {with("# v3 git bundle\n@x=y\n" + ref + "\n"), fetch.BadBundle, `needs a capability that is not known here: "x"`},
		"a capability in version 2":       {with("# v2 git bundle\n@object-format=sha1\n" + ref + "\n"), fetch.BadBundle, "has a capability where none may stand"},
		"a capability after a reference":  {with("# v3 git bundle\n" + ref + "@object-format=sha1\n\n"), fetch.BadBundle, "has a capability where none may stand"},
		"version 4":                       {with("# v4 git bundle\n" + ref + "\n"), fetch.BadBundle, "has a version other than 2 and 3"},
		"no bundle":                       {[]byte("hello\n"), fetch.BadBundle, "does not begin with # v2 git bundle"},
		"an empty file":                   {nil, fetch.BadBundle, "is cut off in its header"},
		"a pack alone":                    {pack, fetch.BadBundle, "does not begin with # v2 git bundle"},
		"no reference":                    {with("# v2 git bundle\n\n"), -1, "the repository is empty"},
		"no name":                         {with("# v2 git bundle\n" + h.Head + "\n\n"), fetch.BadBundle, "has a reference without a name"},
		"no id":                           {with("# v2 git bundle\nx refs/heads/main\n\n"), fetch.BadBundle, "has a reference without a valid id"},
		"a bad prerequisite":              {with("# v2 git bundle\n-x\n" + ref + "\n"), fetch.BadBundle, "has a prerequisite that is not the id of a commit"},
		"a header without end":            {[]byte("# v2 git bundle\n" + strings.Repeat(ref, 200_000)), fetch.BadBundle, "has a header of more than 8 MiB"},
		"a line without end":              {[]byte("# v2 git bundle\n" + h.Head + " refs/heads/" + strings.Repeat("x", 9<<20)), fetch.BadBundle, "has a line of more than 64 KiB"},
		"no newline at the header's end":  {[]byte("# v2 git bundle"), fetch.BadBundle, "is cut off in its header"},
		"no pack":                         {[]byte("# v2 git bundle\n" + ref + "\n"), fetch.BadBundle, "is cut off"},
		"a byte behind the pack":          {append(append([]byte(nil), good...), 'x'), fetch.BadAnswer, "bad pack"},
		"much behind the pack":            {append(append([]byte(nil), good...), make([]byte, 1<<20)...), fetch.BadAnswer, "bad pack"},
		"another pack behind the pack":    {append(append([]byte(nil), good...), pack...), fetch.BadAnswer, "bad pack"},
		"a changed byte":                  {append(append([]byte(nil), good[:len(good)-30]...), append([]byte{good[len(good)-30] ^ 1}, good[len(good)-29:]...)...), fetch.BadAnswer, "bad pack"},
		"another commit":                  {bundled(t, h.Dir, "--version=2", h.branch(t, "old", h.First)), -1, h.Head + " is missing from what the repository sent"},
		"the reference's id is the pin's": {with("# v2 git bundle\n" + h.Head + " refs/heads/x\n" + h.First + " HEAD\n\n")[:len(good)-2], fetch.BadBundle, "is cut off"},
	}
}

// TestBundleRefused: the error names at once what a bundle lacks, or what it must not have.
// Nothing of the bundle is left.
// SECURITY.md: G10.
func TestBundleRefused(t *testing.T) {
	h := newHost(t)
	good := bundled(t, h.Dir, "--version=2", "main")
	for name, c := range badBundles(t, h) {
		_, err := h.fromBundle(t, c.content)
		var failed *gitpin.FetchError
		if is := errors.As(err, &failed); err == nil || !strings.Contains(err.Error(), c.says) || is != (c.reason >= 0) || is && failed.Reason != c.reason {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, n := range []int{1, 15, 16, 17, 40, 80, 100, len(good) / 2, len(good) - 21, len(good) - 20, len(good) - 1} {
		_, err := h.fromBundle(t, good[:n])
		var failed *gitpin.FetchError
		if !errors.As(err, &failed) || failed.Reason != fetch.BadBundle || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// branch makes a branch in a repository.
func (h *host) branch(t *testing.T, name, commit string) string {
	t.Helper()
	if _, err := gittest.Git(h.Dir, nil, "update-ref", "refs/heads/"+name, commit); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestBundleIsNoFile: only a regular file is a bundle. The launcher does not wait for a pipe.
func TestBundleIsNoFile(t *testing.T) {
	h := newHost(t)
	pipe := filepath.Join(t.TempDir(), "p.bundle")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	p := h.params(t, h.Head, filepath.Join(t.TempDir(), "work"))
	p.Repo = address(t, pipe)
	if _, err := gitpin.Pin(context.Background(), p); err == nil || !strings.Contains(err.Error(), "there is no repository at that path") {
		t.Errorf("%v", err)
	}
}

// TestBundleForAuthors: Resolve and Reachable read a bundle.
func TestBundleForAuthors(t *testing.T) {
	h := newHost(t)
	file := filepath.Join(t.TempDir(), "b.bundle")
	if err := os.WriteFile(file, bundled(t, h.Dir, "--version=2", "main", "v1"), 0o644); err != nil {
		t.Fatal(err)
	}
	p := h.params(t, h.First, "/nonexistent")
	p.Repo = address(t, file)
	ref, err := gitpin.Resolve(context.Background(), p, "main")
	if err != nil || fmt.Sprint(ref.Commit) != h.Head || ref.Name != "refs/heads/main" {
		t.Errorf("main is %v: %v", ref, err)
	}
	if reach, err := gitpin.Reachable(context.Background(), p, true, t.TempDir()); err != nil || reach != gitpin.Reached {
		t.Errorf("the first commit: %v, %v", reach, err)
	}
}

// TestBundleOfATag: a bundle whose only tip is an annotated tag holds the tag's commit, in both
// object formats. An author finds it by the tag, and a launch by its id.
func TestBundleOfATag(t *testing.T) {
	for _, options := range [][]string{nil, {gittest.SHA256}} {
		h := newHost(t, options...)
		tag := func(name, what string) {
			t.Helper()
			if _, err := gittest.Git(h.Dir, nil, "tag", "-a", "-m", name, name, what); err != nil {
				t.Fatal(err)
			}
		}
		tag("twice", "v1")
		tag("tree", h.Head+"^{tree}")
		for i, last := 0, "twice"; i < 16; i++ {
			name := fmt.Sprint("deep", i)
			tag(name, last)
			last = name
		}
		for name, want := range map[string]string{"v1": h.Head, "twice": h.Head, "deep13": h.Head, "tree": "", "deep14": "is a tag of a tag, more than 16 times"} {
			file := filepath.Join(t.TempDir(), "b.bundle")
			if err := os.WriteFile(file, bundled(t, h.Dir, "--version=3", name), 0o644); err != nil {
				t.Fatal(err)
			}
			p := h.params(t, h.Head, filepath.Join(t.TempDir(), "work"))
			p.Repo = address(t, file)
			ref, err := gitpin.Resolve(context.Background(), p, name)
			var bad *gitpin.RefError
			switch {
			case strings.HasPrefix(want, "is "):
				if !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			case err != nil || ref.Name != "refs/tags/"+name || ref.Unpeeled:
				t.Errorf("%s: %v, %v", name, ref, err)
				continue
			}
			p.Commit = ref.Commit
			for _, history := range []bool{false, true, true} {
				p.FullHistory = history
				c, err := gitpin.Pin(context.Background(), p)
				var mismatch *gitpin.MismatchError
				if want == "" {
					if !errors.As(err, &mismatch) || !strings.Contains(err.Error(), "it names a tree, not a commit") {
						t.Errorf("%s: %v", name, err)
					}
					continue
				}
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				c.Close()
				clean(t, h.Dir, want, p.WorkDir)
			}
		}
	}
}

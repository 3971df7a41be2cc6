package gitpin_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlauncher/gitpin"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/gittest"
)

// TestLikeGit makes random repositories of both formats. For each of them a launch and two
// restarts must leave what git leaves: the same files with the same modes and bytes, and
// the same `git ls-tree`; and `git fsck` and `git status` must report nothing. Seeds count
// from 1; GITPIN_REPOSITORIES says how many there are, if not 36.
func TestLikeGit(t *testing.T) {
	n := 36
	if s := os.Getenv("GITPIN_REPOSITORIES"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	inBothFormats(t, int64(n), nil)
}

// inBothFormats tests n seeds, and half as many in SHA-256 repositories.
func inBothFormats(t *testing.T, n int64, change func(*testing.T, *gittest.Repo, string, *rand.Rand) string) {
	for f, n := range map[object.Format]int64{object.SHA1: n, object.SHA256: n / 2} {
		for seed := int64(1); seed <= n; seed++ {
			t.Run(fmt.Sprint(f, " seed ", seed), func(t *testing.T) {
				t.Parallel()
				likeGit(t, f, seed, change)
			})
		}
	}
}

// TestModesLikeGit is [TestLikeGit] for trees whose modes are written in every way that git
// reads: zero-padded, with other permissions, with bits that mean nothing.
func TestModesLikeGit(t *testing.T) {
	inBothFormats(t, 12, unusualModes)
}

// writtenModes are ways to write a mode, by the mode that git reads.
var writtenModes = map[string][]string{
	"040000": {"40000", "040000", "40755", "040700", "0000040000", "47777"},
	"100644": {"100644", "0100644", "100664", "100600", "100000", "104644"},
	"100755": {"100755", "0100755", "100775", "100700", "104755", "101100"},
	"120000": {"120000", "0120000", "120777"},
	"160000": {"160000", "0160000", "160755", "0", "60000"},
}

// unusualModes makes a commit with the tree of head, whose modes are written differently.
func unusualModes(t *testing.T, repo *gittest.Repo, head string, rnd *rand.Rand) string {
	var rewrite func(tree string) string
	rewrite = func(tree string) string {
		var content bytes.Buffer
		for line := range strings.SplitSeq(git(t, repo.Dir, "ls-tree", "-z", tree), "\x00") {
			meta, name, ok := strings.Cut(line, "\t")
			if !ok {
				continue
			}
			f := strings.Fields(meta)
			if f[1] == "tree" {
				f[2] = rewrite(f[2])
			}
			id, err := object.ParseID(f[2])
			if err != nil {
				t.Fatal(err)
			}
			written := writtenModes[f[0]]
			fmt.Fprintf(&content, "%s %s\x00%s", written[rnd.Intn(len(written))], name, id.Bytes())
		}
		id, err := gittest.Git(repo.Dir, content.Bytes(), "hash-object", "-w", "--literally", "-t", "tree", "--stdin")
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	commit := git(t, repo.Dir, "commit-tree", "-m", "unusual modes", "-p", head, rewrite(head+"^{tree}"))
	git(t, repo.Dir, "update-ref", "refs/heads/main", commit)
	return commit
}

func likeGit(t *testing.T, f object.Format, seed int64, change func(*testing.T, *gittest.Repo, string, *rand.Rand) string) {
	top := t.TempDir()
	repo, head, err := gittest.Random(filepath.Join(top, "srv", "r.git"), seed, f.Digits())
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		head = change(t, repo, head, rand.New(rand.NewSource(seed)))
	}
	server := &gittest.Server{Root: filepath.Join(top, "srv")}
	url, stop, err := server.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	h := &host{Server: server, Sample: &gittest.Sample{Repo: repo, Head: head}, url: url + "/r.git"}

	reference := filepath.Join(top, "reference")
	if err := os.Mkdir(reference, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := gittest.Git(repo.Dir, nil, "--work-tree="+reference, "read-tree", "-u", "--reset", head); err != nil {
		t.Fatal(err)
	}
	want, wantTree := files(t, reference), git(t, repo.Dir, "ls-tree", "-rz", head)
	dir := filepath.Join(top, "work")
	for launch := range 3 {
		p := h.params(t, head, dir)
		p.FullHistory = seed%4 == 0
		c, err := gitpin.Pin(context.Background(), p)
		if err != nil {
			t.Fatalf("launch %d: %v", launch, err)
		}
		c.Close()
		if c.Fetched != (launch == 0) {
			t.Errorf("launch %d: fetched is %t", launch, c.Fetched)
		}
		if diff := cmp.Diff(want, files(t, dir)); diff != "" {
			t.Errorf("launch %d: the files differ from git's (-git +ours):\n%s", launch, diff)
		}
		if got := git(t, dir, "ls-tree", "-rz", "HEAD"); got != wantTree {
			t.Errorf("launch %d: git ls-tree: %s", launch, cmp.Diff(wantTree, got))
		}
		if got := git(t, dir, "status", "--porcelain", "--ignored"); got != "" {
			t.Errorf("launch %d: git status: %s", launch, got)
		}
		if got := git(t, dir, "fsck"); got != "" {
			t.Errorf("launch %d: git fsck: %s", launch, got)
		}
		if got := git(t, dir, "rev-parse", "--show-object-format", "HEAD"); got != f.String()+"\n"+head {
			t.Errorf("launch %d: HEAD is %s", launch, got)
		}
		if got := git(t, dir, "rev-parse", "HEAD^{tree}"); got != c.Tree.String() || got != git(t, repo.Dir, "rev-parse", head+"^{tree}") {
			t.Errorf("launch %d: the tree is %s", launch, got)
		}
		if got, want := git(t, dir, "rev-list", "--count", "HEAD", "--"), git(t, repo.Dir, "rev-list", "--count", head, "--"); p.FullHistory && got != want {
			t.Errorf("launch %d: %s commits of history instead of %s", launch, got, want)
		}
	}
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := gittest.Git(dir, nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// files returns type, execute bit and content of everything in a directory but .git.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if p == filepath.Join(dir, ".git") {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		switch {
		case info.Mode().IsRegular():
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			content = string(b)
		case info.Mode().Type() == fs.ModeSymlink:
			if content, err = os.Readlink(p); err != nil {
				return err
			}
		}
		all[p[len(dir):]] = fmt.Sprintf("%v %t %s", info.Mode().Type(), info.Mode()&0o100 != 0, content) // the umask decides the rest
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

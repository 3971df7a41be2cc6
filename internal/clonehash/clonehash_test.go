package clonehash

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/gitpin/object"
)

// git runs git in a folder and returns what it prints.
func git(t *testing.T, dir, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@x"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

// sample is a clone with a script, a link and a file in a folder.
func sample(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "", "init", "-q")
	err := errors.Join(os.Mkdir(filepath.Join(dir, "sub"), 0o755), os.WriteFile(filepath.Join(dir, "sub", "a b"), []byte("1"), 0o644),
		os.WriteFile(filepath.Join(dir, "run.sh"), []byte("true"), 0o755), os.Symlink("run.sh", filepath.Join(dir, "link")))
	if err != nil {
		t.Fatal(err)
	}
	git(t, dir, "", "add", "-A")
	git(t, dir, "", "commit", "-q", "-m", "x")
	return dir
}

// TestDigests: as git and sha256sum have them, loose and packed, in a clone and in a
// bare one.
func TestDigests(t *testing.T) {
	dir := sample(t)
	var listing strings.Builder
	for entry := range strings.SplitSeq(strings.TrimSuffix(git(t, dir, "", "ls-tree", "-rz", "HEAD"), "\x00"), "\x00") {
		meta, name, _ := strings.Cut(entry, "\t")
		f := strings.Fields(meta)
		blob := git(t, dir, "", "cat-file", "blob", f[2])
		fmt.Fprintf(&listing, "%s %x %s\x00", f[0], sha256.Sum256([]byte(blob)), name)
	}
	want := fmt.Sprintf("%x", sha256.Sum256([]byte(listing.String())))
	for name, prepare := range map[string]func() string{
		"loose":  func() string { return dir },
		"packed": func() string { git(t, dir, "", "repack", "-adq"); return dir },
		"bare":   func() string { return filepath.Join(dir, ".git") },
	} {
		c, err := Open(prepare())
		if err != nil {
			t.Fatal(err)
		}
		id, err := c.Head()
		if err != nil || id.String() != git(t, dir, "", "rev-parse", "HEAD") {
			t.Fatalf("%s: HEAD is %s, %v", name, id, err)
		}
		d, err := c.Digests(id)
		if err != nil {
			t.Fatal(err)
		}
		if d.Commit != id || d.Tree.String() != git(t, dir, "", "rev-parse", "HEAD^{tree}") || d.ContentSHA256 != want {
			t.Errorf("%s: %+v, want content %s", name, d, want)
		}
		sum := sha256.Sum256([]byte("true"))
		if got, err := d.FileSHA256("./run.sh"); err != nil || got != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
		if _, err := d.FileSHA256("none"); err == nil || !strings.Contains(err.Error(), "no file none") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNotAClone(t *testing.T) {
	linked := t.TempDir()
	if err := os.WriteFile(filepath.Join(linked, ".git"), []byte("gitdir: x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{linked: "is a linked work tree", t.TempDir(): "is not a clone"} {
		var not *NotCloneError
		if _, err := Open(dir); !errors.As(err, &not) || not.Dir != dir || !strings.Contains(not.Reason, want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestForged: an object under another's name is found out.
func TestForged(t *testing.T) {
	dir := sample(t)
	object1, object2 := git(t, dir, "", "rev-parse", "HEAD:run.sh"), git(t, dir, "", "rev-parse", "HEAD:sub/a b")
	file := func(id string) string { return filepath.Join(dir, ".git", "objects", id[:2], id[2:]) }
	data, err := os.ReadFile(file(object2))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Remove(file(object1)), os.WriteFile(file(object1), bytes.Clone(data), 0o600)); err != nil {
		t.Fatal(err)
	}
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.Head()
	if err != nil {
		t.Fatal(err)
	}
	if d, err := c.Digests(id); err == nil || !strings.Contains(err.Error(), "damaged or forged") {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestBomb: a clone's trees can name each other more often than anybody
// can walk.
// SECURITY.md: E8.
func TestBomb(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "", "init", "-q")
	id, kind := git(t, dir, "x", "hash-object", "-w", "--stdin"), "100644 blob"
	for range 9 {
		var tree strings.Builder
		for name := 'a'; name < 'k'; name++ {
			fmt.Fprintf(&tree, "%s %s\t%c\n", kind, id, name)
		}
		id, kind = git(t, dir, tree.String(), "mktree"), "040000 tree"
	}
	commit := git(t, dir, "", "commit-tree", id, "-m", "x")
	c, err := Open(dir)
	if err != nil || c.left != maxEntries {
		t.Fatalf("%+v, %v", c, err)
	}
	c.left = 20_000 // the same, sooner
	pin, err := object.ParseID(commit)
	if err != nil {
		t.Fatal(err)
	}
	if d, err := c.Digests(pin); err == nil || !strings.Contains(err.Error(), "more than 2000000 files") {
		t.Errorf("%+v, %v", d, err)
	}
}

package clonehash

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/gitpin/object"
	"gitlauncher/measure"
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

// sample returns a clone with a script, a link and a file in a folder.
func sample(t *testing.T, f object.Format) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "", "init", "-q", "-b", "main", "--object-format="+f.String())
	err := errors.Join(os.Mkdir(filepath.Join(dir, "sub"), 0o755), os.WriteFile(filepath.Join(dir, "sub", "a b"), []byte("1"), 0o644),
		os.WriteFile(filepath.Join(dir, "run.sh"), []byte("true"), 0o755), os.Symlink("run.sh", filepath.Join(dir, "link")))
	if err != nil {
		t.Fatal(err)
	}
	git(t, dir, "", "add", "-A")
	git(t, dir, "", "commit", "-q", "-m", "x")
	return dir
}

// listing returns the hash of a commit's listing as git and sha256sum make it.
func listing(t *testing.T, dir string) string {
	t.Helper()
	sum := sha256.New()
	for entry := range strings.SplitSeq(strings.TrimSuffix(git(t, dir, "", "ls-tree", "-rz", "HEAD"), "\x00"), "\x00") {
		meta, name, _ := strings.Cut(entry, "\t")
		f := strings.Fields(meta)
		out, err := exec.Command("git", "-C", dir, "cat-file", "blob", f[2]).Output()
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(sum, "%s %x %s\x00", f[0], sha256.Sum256(out), name)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// TestDigests: the digests are those that git and sha256sum make, in both formats,
// loose and packed, in a clone and in a bare one, with objects of another clone, and
// with packed references.
func TestDigests(t *testing.T) {
	for _, f := range object.Formats() {
		dir := sample(t, f)
		for _, c := range []struct {
			name    string
			prepare func() string
		}{
			{"loose", func() string { return dir }},
			{"with a branch", func() string { git(t, dir, "", "pack-refs", "--all"); return dir }},
			{"borrowed", func() string {
				to := filepath.Join(t.TempDir(), "c[*]")
				git(t, dir, "", "clone", "-q", "--shared", ".", to)
				return to
			}},
			{"packed", func() string { git(t, dir, "", "repack", "-adq"); return dir }},
			{"borrowed packs, and more", func() string {
				to := filepath.Join(t.TempDir(), "c")
				git(t, dir, "", "clone", "-q", "--shared", ".", to)
				err := os.WriteFile(filepath.Join(to, "more"), []byte("more"), 0o644)
				if err != nil {
					t.Fatal(err)
				}
				git(t, to, "", "add", "-A")
				git(t, to, "", "commit", "-q", "-m", "x")
				return to
			}},
			{"large, and a delta of it", func() string {
				content := make([]byte, 6<<20)
				rand.New(rand.NewSource(1)).Read(content)
				err := errors.Join(os.WriteFile(filepath.Join(dir, "large"), content, 0o644), os.WriteFile(filepath.Join(dir, "larger"), append(content, "more"...), 0o644))
				if err != nil {
					t.Fatal(err)
				}
				git(t, dir, "", "add", "-A")
				git(t, dir, "", "commit", "-q", "-m", "x")
				git(t, dir, "", "repack", "-adq")
				return dir
			}},
			{"bare", func() string { return filepath.Join(dir, ".git") }},
			{"detached", func() string { git(t, dir, "", "checkout", "-q", "--detach"); return dir }},
		} {
			t.Run(f.String()+" "+c.name, func(t *testing.T) { asGitHas(t, c.prepare()) })
		}
	}
}

func asGitHas(t *testing.T, dir string) {
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	id, err := c.Head()
	if err != nil || id.String() != git(t, dir, "", "rev-parse", "HEAD") {
		t.Fatalf("HEAD is %s, %v", id, err)
	}
	d, err := c.Digests(id, measure.Beyond{})
	if err != nil {
		t.Fatal(err)
	}
	if want := listing(t, dir); d.Commit != id || d.Tree.String() != git(t, dir, "", "rev-parse", "HEAD^{tree}") || d.ContentSHA256 != want {
		t.Errorf("%+v, want content %s", d, want)
	}
	sum := sha256.Sum256([]byte("true"))
	if got, err := d.FileSHA256("./run.sh"); err != nil || got != hex.EncodeToString(sum[:]) {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := d.FileSHA256("none"); err == nil || !strings.Contains(err.Error(), "no file none") {
		t.Errorf("%v", err)
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

// opened opens a clone for as long as the test lasts, and returns what is checked out in it.
func opened(t *testing.T, dir string) (*Clone, object.ID) {
	t.Helper()
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	id, err := c.Head()
	if err != nil {
		t.Fatal(err)
	}
	return c, id
}

// write writes a file of a clone, whatever its mode was.
func write(t *testing.T, content []byte, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// deflated returns the bytes of a loose object's file.
func deflated(t *testing.T, content string) []byte {
	t.Helper()
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return z.Bytes()
}

// TestForged: an object whose bytes do not have its id is found out, in both formats,
// loose and packed.
func TestForged(t *testing.T) {
	for _, f := range object.Formats() {
		for _, c := range []struct {
			name, says string
			forge      func(dir string)
		}{
			{"another object", "the clone is damaged or forged: they are those of", func(dir string) { loose(t, dir, deflated(t, "blob 1\x002")) }},
			{"another type", "it is no blob of up to", func(dir string) { loose(t, dir, deflated(t, "tree 4\x00true")) }},
			{"no number", "it is no blob of up to", func(dir string) { loose(t, dir, deflated(t, "blob -4\x00true")) }},
			{"too short", "another size than it says", func(dir string) { loose(t, dir, deflated(t, "blob 5\x00true")) }},
			{"too long", "another size than it says", func(dir string) { loose(t, dir, deflated(t, "blob 3\x00true")) }},
			{"no header", "it has no header", func(dir string) { loose(t, dir, deflated(t, strings.Repeat("x", 40))) }},
			{"not zlib", "zlib: invalid header", func(dir string) { loose(t, dir, []byte("true")) }},
			{"a link to nothing", "the clone does not have it", func(dir string) {
				loose(t, dir, nil)
				name := file(t, dir)
				if err := errors.Join(os.Remove(name), os.Symlink("nothing", name)); err != nil {
					t.Fatal(err)
				}
			}},
			{"an index of other places", "the clone is damaged or forged", func(dir string) {
				name, idx := packed(t, dir)
				offsets := len(idx) - 2*f.Size() - 4*objects(t, dir)
				for at := offsets + 4; at < len(idx)-2*f.Size(); at += 4 {
					copy(idx[at:], idx[offsets:offsets+4])
				}
				write(t, idx, name)
			}},
			{"an index that is cut off", "its index is malformed", func(dir string) {
				name, idx := packed(t, dir)
				write(t, idx[:len(idx)-60], name)
			}},
			{"HEAD elsewhere", `"../../etc/passwd" is no reference`, func(dir string) { write(t, []byte("ref: ../../etc/passwd\n"), dir, ".git/HEAD") }},
			{"HEAD out of the clone", `"refs/../../../x" is no reference`, func(dir string) { write(t, []byte("ref: refs/../../../x\n"), dir, ".git/HEAD") }},
			{"HEAD in a circle", "too many symbolic references", func(dir string) { write(t, []byte("ref: HEAD\n"), dir, ".git/HEAD") }},
			{"HEAD nowhere", "there is no refs/heads/none", func(dir string) { write(t, []byte("ref: refs/heads/none\n"), dir, ".git/HEAD") }},
			{"HEAD cut off", "is a short id of", func(dir string) { write(t, []byte("abcdef0123"), dir, ".git/HEAD") }},
			{"a format of nobody's", `its object format is "sha512"`, func(dir string) { write(t, []byte("[extensions]\nobjectFormat = sha512\n"), dir, ".git/config") }},
			{"too much that is borrowed", "from more than 15 other folders", func(dir string) {
				var list strings.Builder
				for i := range 16 {
					fmt.Fprintf(&list, "../../none%d\n", i)
				}
				write(t, []byte(list.String()), dir, ".git/objects/info/alternates")
			}},
			{"the other format", map[object.Format]string{object.SHA1: "it is a SHA-1 id, of 40 digits; the clone is of a SHA-256 repository, whose ids have 64", object.SHA256: "it is a SHA-256 id, of 64 digits; the clone is of a SHA-1 repository, whose ids have 40"}[f],
				func(dir string) {
					git(t, dir, "", "config", "extensions.objectFormat", map[object.Format]string{object.SHA1: "sha256", object.SHA256: "sha1"}[f])
				}},
		} {
			t.Run(f.String()+" "+c.name, func(t *testing.T) {
				dir := sample(t, f)
				c.forge(dir)
				if d, err := digests(dir); err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("%+v, %v", d, err)
				}
			})
		}
	}
}

// loose puts a loose object in the place of the script.
func loose(t *testing.T, dir string, content []byte) {
	t.Helper()
	write(t, content, file(t, dir))
}

// file returns the path of the script's loose object.
func file(t *testing.T, dir string) string {
	t.Helper()
	id := git(t, dir, "", "hash-object", "run.sh")
	return filepath.Join(dir, ".git", "objects", id[:2], id[2:])
}

// objects returns how many objects a clone has.
func objects(t *testing.T, dir string) int {
	t.Helper()
	return len(strings.Split(git(t, dir, "", "rev-list", "--objects", "--all"), "\n"))
}

// digests returns those of HEAD.
func digests(dir string) (*Digests, error) {
	c, err := Open(dir)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	id, err := c.Head()
	if err != nil {
		return nil, err
	}
	return c.Digests(id, measure.Beyond{})
}

// TestCircle: clones that borrow from each other are read like others.
func TestCircle(t *testing.T) {
	dir := sample(t, object.SHA1)
	want, err := digests(dir)
	if err != nil {
		t.Fatal(err)
	}
	write(t, []byte("# ourselves\n"+filepath.Join(dir, ".git/objects")+"\n../../.git/objects\n"), dir, ".git/objects/info/alternates")
	if got, err := digests(dir); err != nil || got.ContentSHA256 != want.ContentSHA256 {
		t.Errorf("%+v, %v", got, err)
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
	if d, err := c.Digests(pin, measure.Beyond{}); err == nil || !strings.Contains(err.Error(), "more than 2000000 files") {
		t.Errorf("%+v, %v", d, err)
	}
}

// packed packs all objects, and returns the index and its name.
func packed(t *testing.T, dir string) (name string, idx []byte) {
	t.Helper()
	git(t, dir, "", "repack", "-adq")
	packs, err := filepath.Glob(filepath.Join(dir, ".git/objects/pack/*.idx"))
	if err != nil || len(packs) != 1 {
		t.Fatalf("%q, %v", packs, err)
	}
	idx, err = os.ReadFile(packs[0])
	if err != nil {
		t.Fatal(err)
	}
	return packs[0], idx
}

package object_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/gitpin/object"
)

const (
	sha  = "0123456789abcdef0123456789abcdef01234567"
	long = sha + "89abcdef0123456789abcdef"
)

func TestParseID(t *testing.T) {
	if id, err := object.ParseID(sha); err != nil || id.String() != sha {
		t.Errorf("%v, %v", id, err)
	}
	for _, bad := range []string{"", "main", "v1.0", long[:63], long + "0", strings.ToUpper(long), long[:63] + "g", strings.Repeat("0", 64), sha[:39], sha[:7], sha + "0", strings.ToUpper(sha), sha[:39] + "g", sha[:39] + "\n", " " + sha[:39], strings.Repeat("0", 40)} {
		if id, err := object.ParseID(bad); err == nil || !id.IsZero() {
			t.Errorf("%q is accepted", bad)
		}
	}
	if id, err := object.ParseID(long); err != nil || id.Format() != object.SHA256 || id.String() != long {
		t.Errorf("64 digits: %v, %v", id, err)
	}
}

// TestIDs: ids of different formats are different, even if one begins with the other.
func TestIDs(t *testing.T) {
	raw := append(bytes.Repeat([]byte{7}, 20), make([]byte, 12)...)
	short, full := object.SHA1.ID(raw), object.SHA256.ID(raw)
	if short == full || short.String() == full.String() || len(short.Bytes()) != 20 || len(full.Bytes()) != 32 {
		t.Errorf("%s and %s", short, full)
	}
	if !bytes.Equal(full.Append([]byte{1})[1:], raw) || full.IsZero() || !object.SHA256.ID(make([]byte, 32)).IsZero() || !(object.ID{}).IsZero() {
		t.Errorf("%s", full)
	}
	if one := object.SHA256.ID(bytes.Repeat([]byte{8}, 32)); full.Compare(one) >= 0 || one.Compare(full) <= 0 || one.Compare(one) != 0 {
		t.Errorf("%s is not before %s", full, one)
	}
}

func TestHasherAgreesWithGit(t *testing.T) {
	for _, typ := range []object.Type{object.Blob} {
		content := bytes.Repeat([]byte("x\x00\n"), 1000)
		cmd := exec.Command("git", "hash-object", "-t", typ.String(), "--stdin")
		cmd.Stdin = bytes.NewReader(content)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		id, err := object.SHA1.NewHasher().Sum(typ, content)
		if err != nil || id.String() != strings.TrimSpace(string(out)) {
			t.Errorf("%s: %v, want %s (%v)", typ, id, out, err)
		}
	}
}

// TestCollisionsAreDetected gives the hasher the published collisions, which the hash's own
// module has. After Git's header they no longer collide, and are ordinary blobs.
// SECURITY.md: G1.
func TestCollisionsAreDetected(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/pjbgf/sha1cd").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "test", "testdata", "files", "sha*"))
	if err != nil || len(files) != 4 {
		t.Fatalf("the module no longer has its collisions there: %v %v", files, err)
	}
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		h := object.SHA1.NewHasher() // without Begin: raw bytes
		h.Write(content)
		if _, err := h.ID(); !errors.Is(err, object.ErrCollision) {
			t.Errorf("%s: %v", filepath.Base(f), err)
		}
		if _, err := object.SHA1.NewHasher().Sum(object.Blob, content); err != nil {
			t.Errorf("%s as a blob: %v", filepath.Base(f), err)
		}
	}
}

func entry(mode, name string, id byte) string {
	return mode + " " + name + "\x00" + strings.Repeat(string([]byte{id}), 20)
}

// TestParseTree is for SECURITY.md: G3.
func TestParseTree(t *testing.T) {
	good := entry("100644", "a-b", 1) + entry("40000", "a", 2) + entry("100664", "a0", 3) + entry("120000", "b\n\xff", 4) + entry("160000", "c", 5) + entry("100755", strings.Repeat("d", 255), 6)
	entries, err := object.ParseTree(object.SHA1, []byte(good))
	if err != nil || len(entries) != 6 || entries[2].Mode != object.ModeFile || entries[1].Mode != object.ModeDir {
		t.Fatalf("%v, %v", entries, err)
	}
	for name, bad := range map[string]string{
		"duplicate":       entry("100644", "a", 1) + entry("100644", "a", 2),
		"order":           entry("100644", "b", 1) + entry("100644", "a", 2),
		"directory order": entry("40000", "a", 1) + entry("100644", "a.b", 2),
		"file and dir":    entry("100644", "a", 1) + entry("40000", "a", 2),
		"file, gap, dir":  entry("100644", "a", 1) + entry("100644", "a-", 2) + entry("100644", "a-b", 3) + entry("40000", "a", 4),
		"link and dir":    entry("120000", "a", 1) + entry("40000", "a", 2),
		"no octal":        entry("10064x", "a", 1),
		"no mode":         entry("", "a", 1),
		"too long":        entry("100644", strings.Repeat("a", 256), 1),
		"zero id":         entry("100644", "a", 0),
		"cut off":         entry("100644", "a", 1)[:20],
		"no name end":     "100644 a",
		"gitmodules link": entry("120000", ".gitmodules", 1),
		"gitmod~1 link":   entry("120000", "GITMOD~1", 1),
	} {
		var te *object.TreeError
		if entries, err := object.ParseTree(object.SHA1, []byte(bad)); !errors.As(err, &te) || entries != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnsafeNames has names that Git's verify_path and fsck refuse, and names that they
// accept.
// SECURITY.md: G3.
func TestUnsafeNames(t *testing.T) {
	for _, name := range []string{
		"", ".", "..", "a/b", "/", ".git", ".GIT", ".Git", ".gIt", ".git ", ".git.", ".git. .", ".git::$INDEX_ALLOCATION", ".GIT:x", "git~1", "GIT~1", "Git~1 ", "git~1.",
		".g\u200cit", "\u200d.git", ".git\u200e", ".gi\u200ft", "\u202a.GiT", ".g\u206ait", "\ufeff.git", ".git\\config", "a\\.git", "a\\..\\.git\\x", "x\\git~1",
	} {
		var te *object.TreeError
		if _, err := object.ParseTree(object.SHA1, []byte(entry("40000", name, 1))); !errors.As(err, &te) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{".gitignore", ".gitmodules", "git", ".gi", ".github", "git~2", "..git", ".git-x", "a..b", "...", "a b", "\x01", "\xff\xfe", "a\\b", "ſ", "con", "a:b", "git~1x"} {
		if _, err := object.ParseTree(object.SHA1, []byte(entry("100644", name, 1))); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestParseCommit(t *testing.T) {
	c, err := object.ParseCommit(object.SHA1, []byte("tree "+sha+"\nparent "+sha+"\nparent "+sha+"\nauthor x\nparent y\n\nm"))
	if err != nil || c.Tree.String() != sha || len(c.Parents) != 2 {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := object.ParseCommit(object.SHA1, []byte("tree "+strings.ToUpper(sha)+"\nauthor x")); err != nil || c.Tree.String() != sha {
		t.Errorf("capitals, which git accepts: %v", err)
	}
	for _, bad := range []string{"", "tree", "tree " + sha + "\n", "tree " + sha, "tree " + sha[:39] + "\n", "parent " + sha + "\ntree " + sha + "\n", "tree  " + sha[:39] + "\n", "tree g" + sha[:39] + "\n", "tree " + sha + "\nparent x\n"} {
		if _, err := object.ParseCommit(object.SHA1, []byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func FuzzParseTree(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range object.Formats() {
			fuzzTree(t, format, data)
		}
	})
}

func fuzzTree(t *testing.T, format object.Format, data []byte) {
	entries, err := object.ParseTree(format, data)
	if err != nil {
		if entries != nil {
			t.Fatal("a refused tree has entries")
		}
		return
	}
	n := 0
	each := func(_ object.Mode, id object.ID) {
		if n++; id.Format() != format {
			t.Fatalf("%s in a tree of %s", id, format)
		}
	}
	if err := object.EachID(format, data, each); err != nil || n != len(entries) {
		t.Fatalf("%d entries one way, %d the other: %v", len(entries), n, err)
	}
	object.CheckTree(format, data)
	for _, e := range entries {
		if e.Name == "" || e.Name == ".." || strings.Contains(e.Name, "/") || strings.EqualFold(e.Name, ".git") {
			t.Fatalf("%q", e.Name)
		}
	}
}

func FuzzParseCommit(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range object.Formats() {
			if c, err := object.ParseCommit(format, data); err == nil {
				if !strings.HasPrefix(strings.ToLower(string(data)), "tree "+c.Tree.String()+"\n") || c.Tree.Format() != format {
					t.Fatalf("%+v", c)
				}
				object.CheckCommit(data)
			}
			object.ParseTag(format, data)
		}
	})
}

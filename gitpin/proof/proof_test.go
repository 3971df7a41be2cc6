package proof_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/gitpin/proof"
	"gitlauncher/internal/gittest"
)

// memory is a [proof.Writer] without a disk.
type memory struct {
	mu    sync.Mutex
	files map[string]string // mode and content, by path
	open  bool              // a file without a path is being written
	twice []string          // paths that were made more than once
	fails string            // the path that can't be made
	late  int               // files that were made from the kept pack
	n     int32
}

func (m *memory) put(path, what string) (int32, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fails == path && path != "" {
		return 0, &os.PathError{Op: "write", Path: path, Err: syscall.EIO}
	}
	if m.files == nil {
		m.files = make(map[string]string)
	}
	if _, there := m.files[path]; there {
		m.twice = append(m.twice, path)
	}
	m.files[path] = what
	m.n++
	return m.n - 1, nil
}

func (m *memory) Write(path string, mode object.Mode, content []byte) (int32, error) {
	return m.put(path, fmt.Sprintf("%o %s", mode, content))
}

func (m *memory) Stream(path string, mode object.Mode, fill func(io.Writer) error) (int32, error) {
	m.mu.Lock()
	m.late++
	m.mu.Unlock()
	var b bytes.Buffer
	if err := fill(&b); err != nil {
		return 0, err
	}
	return m.Write(path, mode, b.Bytes())
}

func (m *memory) Symlink(path string, target []byte) (int32, error) {
	return m.put(path, "-> "+string(target))
}

func (m *memory) Folder(path string) error {
	_, err := m.put(path, "empty")
	return err
}

func (m *memory) Begin() (proof.Unplaced, error) {
	m.open = true
	return &unplaced{memory: m}, nil
}

type unplaced struct {
	bytes.Buffer
	memory *memory
}

func (u *unplaced) Place(path string, mode object.Mode) (int32, error) {
	u.memory.open = false
	return u.memory.Write(path, mode, u.Bytes())
}
func (u *unplaced) Drop() { u.memory.open = false }

// objects builds a pack by hand.
type objects struct{ entries []gittest.PackEntry }

func (o *objects) add(typ int, name, content string) object.ID {
	o.entries = append(o.entries, gittest.PackEntry{Type: typ, Content: []byte(content)})
	return object.SHA1.ID(gittest.ID(name, []byte(content)))
}

// oid returns an id that no object has.
func oid(n byte) object.ID { return object.SHA1.ID(append([]byte{n}, make([]byte, 19)...)) }

func (o *objects) blob(s string) object.ID { return o.add(gittest.PackBlob, "blob", s) }
func (o *objects) tree(entries ...string) object.ID {
	return o.add(gittest.PackTree, "tree", strings.Join(entries, ""))
}

func (o *objects) commit(tree object.ID, parents ...object.ID) object.ID {
	text := "tree " + tree.String() + "\n"
	for _, p := range parents {
		text += "parent " + p.String() + "\n"
	}
	return o.add(gittest.PackCommit, "commit", text+"author A <a> 1 +0000\ncommitter A <a> 1 +0000\n\nm\n")
}

func (o *objects) tag(target object.ID, name string) object.ID {
	return o.add(gittest.PackTag, "tag", "object "+target.String()+"\ntype commit\ntag "+name+"\ntagger A <a> 1 +0000\n\nm\n")
}

func entry(mode, name string, id object.ID) string {
	return mode + " " + name + "\x00" + string(id.Bytes())
}

// read reads a pack of these objects with a proof as its sink.
func (o *objects) read(t *testing.T, params proof.Params) (*proof.Proof, *pack.Archive, error) {
	t.Helper()
	keep, err := os.Create(filepath.Join(t.TempDir(), "keep"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keep.Close() })
	p := proof.New(params)
	a, err := pack.Read(context.Background(), pack.Source{
		Stream: bytes.NewReader(gittest.Pack(-1, o.entries...)), Keep: keep, NewHasher: object.SHA1.NewHasher,
		Spool: func() (*os.File, error) { return os.CreateTemp(t.TempDir(), "spool") },
	}, pack.Limits{Pack: 1 << 30, Tree: 1 << 30, Files: 1 << 20}, p)
	return p, a, err
}

// complete proves a commit and returns what was written.
func (o *objects) complete(t *testing.T, params proof.Params) (*proof.Tree, *memory, error) {
	t.Helper()
	return o.into(t, &memory{}, params)
}

// into proves a commit, and writes its files to m.
func (o *objects) into(t *testing.T, m *memory, params proof.Params) (*proof.Tree, *memory, error) {
	t.Helper()
	params.Files = m
	p, a, err := o.read(t, params)
	if err != nil {
		return nil, m, err
	}
	tree, err := p.Complete(context.Background(), a)
	return tree, m, err
}

func wide(commit object.ID) proof.Params {
	return proof.Params{Commit: commit, MaxFiles: 1000, MaxBytes: 1 << 30}
}

// TestOrders: the same files are made, each once, in whatever order a server sends the
// objects.
func TestOrders(t *testing.T) {
	large := strings.Repeat("large ", 1<<20)
	const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
	var o objects
	a, l, link, lfs := o.blob("a"), o.blob(large), o.blob("a/../b"), o.blob(pointer)
	sub := o.tree(entry("100644", "again", a), entry("100755", "run", a))
	commit := o.commit(o.tree(entry("100644", "a", a), entry("160000", "g", oid(1)), entry("100644", "l", l), entry("100644", "lfs", lfs), entry("120000", "link", link), entry("40000", "sub", sub)))
	want := map[string]string{
		"a": "100644 a", "g": "empty", "l": "100644 " + large, "lfs": "100644 " + pointer,
		"link": "-> a/../b", "sub/again": "100644 a", "sub/run": "100755 a",
	}
	forward := slices.Clone(o.entries)
	orders := map[string][]gittest.PackEntry{
		"blobs first":  forward,
		"commit first": {forward[6], forward[5], forward[4], forward[0], forward[1], forward[2], forward[3]},
		"mixed":        {forward[1], forward[6], forward[0], forward[5], forward[2], forward[4], forward[3]},
		"twice":        append(slices.Clone(forward), forward...),
	}
	for name, entries := range orders {
		t.Run(name, func(t *testing.T) {
			tree, m, err := (&objects{entries}).complete(t, wide(commit))
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(m.files, want) || len(m.twice) > 0 || m.open {
				t.Errorf("%d files; made twice: %v; one is left open: %t", len(m.files), m.twice, m.open)
			}
			var paths []string
			for _, f := range tree.Files {
				paths = append(paths, f.Path)
				if _, content, _ := strings.Cut(m.files[f.Path], " "); f.Mode != object.ModeGitlink && f.SHA256 != sha256.Sum256([]byte(content)) {
					t.Errorf("%s has another sum", f.Path)
				}
				if f.LFS != (f.Path == "lfs") {
					t.Errorf("%s: LFS is %t", f.Path, f.LFS)
				}
			}
			if !slices.Equal(paths, []string{"a", "g", "l", "lfs", "link", "sub/again", "sub/run"}) {
				t.Errorf("order %v", paths)
			}
		})
	}
}

// TestRefused: objects that do not meet the pin are refused, by type of error and reason.
func TestRefused(t *testing.T) {
	var mismatch *proof.MismatchError
	var missing *proof.MissingObjectError
	var unsafe *object.TreeError
	for name, tc := range map[string]struct {
		build func(o *objects) object.ID
		as    any
		says  string
	}{
		"a tree as the pin":  {func(o *objects) object.ID { return o.tree() }, &mismatch, "names a tree"},
		"a blob as the pin":  {func(o *objects) object.ID { return o.blob("x") }, &mismatch, "names a blob"},
		"a tag as the pin":   {func(o *objects) object.ID { return o.tag(o.commit(o.tree()), "v1") }, &mismatch, "names a tag"},
		"no commit":          {func(o *objects) object.ID { o.tree(); return oid(1) }, &missing, "commit 01"},
		"no tree":            {func(o *objects) object.ID { return o.commit(oid(2)) }, &missing, "tree 02"},
		"no blob":            {func(o *objects) object.ID { return o.commit(o.tree(entry("100644", "x", oid(3)))) }, &missing, "file 03"},
		"a blob as the tree": {func(o *objects) object.ID { return o.commit(o.blob("x")) }, &mismatch, "is a blob"},
		"a tree as a blob":   {func(o *objects) object.ID { return o.commit(o.tree(entry("100644", "x", o.tree()))) }, &mismatch, `file "x" is a tree`},
		"a malformed commit": {func(o *objects) object.ID { return o.add(gittest.PackCommit, "commit", "author A\n") }, &mismatch, "header"},
		"an unsafe name":     {func(o *objects) object.ID { return o.commit(o.tree(entry("100644", "..", o.blob("x")))) }, &unsafe, "leads elsewhere"},
		"an empty link":      {func(o *objects) object.ID { return o.commit(o.tree(entry("120000", "x", o.blob("")))) }, &unsafe, "whose target"},
		"a NUL in a link":    {func(o *objects) object.ID { return o.commit(o.tree(entry("120000", "x", o.blob("a\x00b")))) }, &unsafe, "whose target"},
		"a link of 5,000": {func(o *objects) object.ID {
			return o.commit(o.tree(entry("120000", "x", o.blob(strings.Repeat("x", 5000)))))
		}, &unsafe, "whose target"},
		"a link of megabytes": {func(o *objects) object.ID {
			return o.commit(o.tree(entry("120000", "x", o.blob(strings.Repeat("x", 5<<20)))))
		}, &unsafe, "whose target"},
	} {
		t.Run(name, func(t *testing.T) {
			var o objects
			_, m, err := o.complete(t, wide(tc.build(&o)))
			if !errors.As(err, tc.as) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, want %q", err, tc.says)
			}
			if len(m.files) > 0 {
				t.Errorf("%d files were made", len(m.files))
			}
		})
	}
}

// TestLimits: entries and bytes are counted before anything is written, once for each path.
func TestLimits(t *testing.T) {
	var o objects
	big := o.blob(strings.Repeat("x", 1000))
	var entries []string
	for i := range 10 {
		entries = append(entries, entry("100644", fmt.Sprint(i), big))
	}
	id := o.tree(entries...)
	commit := o.commit(id)
	for _, tc := range []struct {
		what     string
		files    int
		bytes    int64
		exceeded bool
	}{
		{"file", 10, 10_000, false}, {"file", 9, 10_000, true}, {"tree", 10, 9_999, true},
	} {
		params := wide(commit)
		params.MaxFiles, params.MaxBytes = tc.files, tc.bytes
		_, m, err := o.complete(t, params)
		var limit *pack.LimitError
		if exceeded := errors.As(err, &limit); exceeded != tc.exceeded || exceeded && limit.What != tc.what {
			t.Errorf("%d files, %d bytes: %v", tc.files, tc.bytes, err)
		}
		written := 0
		for _, f := range m.files {
			written += len(f) - len("100644 ")
		}
		if int64(written) > tc.bytes {
			t.Errorf("%d bytes were written, %d are the limit", written, tc.bytes)
		}
	}
	// A tree that is ten times in the one above it, on each of six levels.
	var bomb objects
	id = bomb.tree(entry("100644", "x", bomb.blob("x")))
	for range 6 {
		entries = nil
		for i := range 10 {
			entries = append(entries, entry("40000", fmt.Sprint(i), id))
		}
		id = bomb.tree(entries...)
	}
	var limit *pack.LimitError
	if _, m, err := bomb.complete(t, wide(bomb.commit(id))); !errors.As(err, &limit) || limit.What != "file" || len(m.files) > 1 {
		t.Errorf("%v, and %d files", err, len(m.files))
	}
}

// TestLargeIsNotHeld: a blob above the limit does not end the proof if the pin does not need
// it.
func TestLargeIsNotHeld(t *testing.T) {
	large := strings.Repeat("x", 5<<20)
	var o objects
	a := o.blob("a")
	commit := o.commit(o.tree(entry("100644", "a", a)))
	o.entries = []gittest.PackEntry{o.entries[2], o.entries[1], {Type: gittest.PackBlob, Content: []byte(large)}, o.entries[0]}
	params := wide(commit)
	params.MaxBytes = 1000
	if _, m, err := o.complete(t, params); err != nil || len(m.files) != 1 {
		t.Errorf("%v, %v", err, m.files)
	}
}

// TestList: List returns all that a checker needs, and writes nothing.
func TestList(t *testing.T) {
	var o objects
	x := o.blob("x")
	sub := o.tree(entry("100644", "x", x))
	root := o.tree(entry("100644", "b", x), entry("40000", "b0", sub), entry("160000", "g", oid(1)))
	commit := o.commit(root)
	p, a, err := o.read(t, wide(commit))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := p.List(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, f := range tree.Folders {
		folders = append(folders, fmt.Sprintf("%s %v %v %t", f.Path, f.Names, f.Files, f.Gitlink))
	}
	if want := []string{" [b b0 g] [0 2] false", "b0 [x] [1] false", "g [] [] true"}; !slices.Equal(folders, want) {
		t.Errorf("%q, want %q", folders, want)
	}
	if tree.Root != root || len(tree.Content(commit)) == 0 || len(tree.Content(sub)) == 0 || len(tree.Entries) != 3 {
		t.Error("contents are missing")
	}
}

// TestClosure: history and tags belong to the closure; planted objects do not.
func TestClosure(t *testing.T) {
	var o objects
	old := o.blob("old")
	parent := o.commit(o.tree(entry("100644", "old", old)))
	commit := o.commit(o.tree(entry("100644", "new", o.blob("new"))), parent)
	tag := o.tag(parent, "v1")
	o.tag(parent, "v1") // the same object again
	o.tag(parent, "../../hooks/x")
	o.tag(oid(9), "elsewhere")
	o.blob("planted")
	for _, history := range []bool{false, true} {
		p, a, err := o.read(t, wide(commit))
		if err != nil {
			t.Fatal(err)
		}
		tree, err := p.List(context.Background(), a)
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.Closure(context.Background(), a, tree, history)
		if err != nil {
			t.Fatal(err)
		}
		want, tags := 3, map[string]object.ID{}
		if history {
			want, tags = 7, map[string]object.ID{"v1": tag}
		}
		if c.Len() != want || len(c.IDs()) != want || !maps.Equal(c.Tags, tags) {
			t.Errorf("history %t: %d objects, tags %v", history, c.Len(), c.Tags)
		}
	}
	// Where an ancestor's blob is missing, there is no closure with history.
	o.entries = o.entries[1:]
	p, a, err := o.read(t, wide(commit))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := p.List(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	var missing *proof.MissingObjectError
	if _, err := p.Closure(context.Background(), a, tree, true); !errors.As(err, &missing) || missing.ID != old {
		t.Errorf("%v", err)
	}
}

// TestTagNames: tags that clash do not end a launch. Which of them are taken does not depend
// on their order.
func TestTagNames(t *testing.T) {
	for _, names := range [][]string{{"a", "a/b"}, {"a/b", "a"}, {"a/b/c", "a", "a/b"}, {"v1", "v1"}, {"x/y", "x/z", "x"}} {
		var want map[string]object.ID
		for _, reversed := range []bool{false, true} {
			var o objects
			commit := o.commit(o.tree(entry("100644", "x", o.blob("x"))))
			for i, name := range names {
				o.tag(commit, name+strings.Repeat("\n", i)) // another object each
			}
			if reversed {
				slices.Reverse(o.entries)
			}
			c, err := o.closure(t, wide(commit))
			if err != nil {
				t.Fatal(err)
			}
			for name := range c.Tags {
				for other := range c.Tags {
					if strings.HasPrefix(other, name+"/") {
						t.Errorf("%v: both %q and %q are taken", names, name, other)
					}
				}
			}
			if len(c.Tags) == 0 || want != nil && !maps.Equal(want, c.Tags) {
				t.Errorf("%v: %v in one order, %v in the other", names, want, c.Tags)
			}
			want = c.Tags
		}
	}
}

// TestTagLimit: each tag becomes a file, so there may be as many as there may be files.
func TestTagLimit(t *testing.T) {
	var o objects
	commit := o.commit(o.tree(entry("100644", "x", o.blob("x"))))
	for i := range 5 {
		o.tag(commit, fmt.Sprint("v", i))
	}
	params := wide(commit)
	for _, most := range []int{5, 4} {
		params.MaxFiles = most
		_, err := o.closure(t, params)
		var limit *pack.LimitError
		if over := errors.As(err, &limit); over != (most < 5) || over && limit.What != "tag" {
			t.Errorf("%d allowed: %v", most, err)
		}
	}
}

// closure returns the closure of a commit with history.
func (o *objects) closure(t *testing.T, params proof.Params) (*proof.Closure, error) {
	t.Helper()
	p, a, err := o.read(t, params)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := p.List(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	return p.Closure(context.Background(), a, tree, true)
}

// TestEnds: a proof ends with its context, even without a network.
func TestEnds(t *testing.T) {
	var o objects
	commit := o.commit(o.tree(entry("100644", "x", o.blob("x"))))
	p, a, err := o.read(t, wide(commit))
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("a signal")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(why)
	if _, err := p.List(ctx, a); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
}

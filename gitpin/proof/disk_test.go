package proof_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"gitlauncher/gitpin/object"
	"gitlauncher/internal/gittest"
)

// TestDiskFails: if a file, a symbolic link or the directory of a submodule can't be made, the
// proof ends with an error that names its path. It does so if the blob is written as it
// arrives, and if it is read from the kept pack.
func TestDiskFails(t *testing.T) {
	var o objects
	inner := o.tree(entry("100644", "b", o.blob("two")))
	commit := o.commit(o.tree(entry("100755", "a.sh", o.blob("one")), entry("40000", "d", inner), entry("120000", "link", o.blob("a.sh")), entry("160000", "module", oid(9))))
	trees := slices.Clone(o.entries)
	slices.Reverse(trees)                                      // the commit and the trees first
	late := map[string]int{"blobs first": 2, "trees first": 0} // blobs that arrive before their tree are read from the kept pack
	for order, entries := range map[string][]gittest.PackEntry{"blobs first": o.entries, "trees first": trees} {
		for _, path := range []string{"a.sh", "d/b", "link", "module"} {
			_, _, err := (&objects{entries}).into(t, &memory{fails: path}, wide(commit))
			var at *os.PathError
			if !errors.As(err, &at) || at.Path != path || at.Err != syscall.EIO {
				t.Errorf("%s, %s: %v", order, path, err)
			}
		}
		if tree, m, err := (&objects{entries}).into(t, &memory{fails: "other"}, wide(commit)); err != nil || len(tree.Files) != 4 || len(m.files) != 4 || m.late != late[order] {
			t.Errorf("%s: %v, %d of them late, %v", order, m.files, m.late, err)
		}
	}
}

// TestLarge: a large blob in the tree is written as it arrives. If the tree is only listed,
// nothing is written.
func TestLarge(t *testing.T) {
	var o objects
	large := o.blob(strings.Repeat("x", 5<<20))
	commit := o.commit(o.tree(entry("100644", "large", large), entry("100644", "small", o.blob("s"))))
	slices.Reverse(o.entries)
	if _, m, err := o.into(t, new(memory), wide(commit)); err != nil || len(m.files["large"]) != 5<<20+len("100644 ") || m.late != 0 || m.open {
		t.Errorf("%d bytes, %d of the files late, one open: %v, %v", len(m.files["large"]), m.late, m.open, err)
	}
	if _, _, err := o.into(t, &memory{fails: "large"}, wide(commit)); !errors.Is(err, syscall.EIO) {
		t.Errorf("a large file that can't be made: %v", err)
	}
	p, a, err := o.read(t, wide(commit))
	if err != nil {
		t.Fatal(err)
	}
	if tree, err := p.List(t.Context(), a); err != nil || len(tree.Files) != 2 || p.Bytes() != 0 {
		t.Errorf("listing: %v, %d bytes", err, p.Bytes())
	}
}

// TestPaths: the longest path and the longest symbolic link, and a byte more of each, which
// no system takes.
func TestPaths(t *testing.T) {
	for _, typ := range []struct {
		name, mode, content string
	}{{"a file", "100644", "x"}, {"a symbolic link", "120000", "x"}, {"a submodule", "160000", ""}} {
		for length, fits := range map[int]bool{4094: true, 4095: true, 4096: false} {
			var o objects
			id := oid(9)
			if typ.content != "" {
				id = o.blob(typ.content)
			}
			tree := o.tree(entry(typ.mode, strings.Repeat("n", length-15*256), id))
			for range 15 {
				tree = o.tree(entry("40000", strings.Repeat("d", 255), tree))
			}
			_, _, err := o.into(t, new(memory), wide(o.commit(tree)))
			var bad *object.TreeError
			if fits && err != nil || !fits && !errors.As(err, &bad) {
				t.Errorf("%s at a path of %d bytes: %v", typ.name, length, err)
			}
		}
	}
	for length, fits := range map[int]bool{0: false, 1: true, 4094: true, 4095: true, 4096: false} {
		for _, last := range []bool{false, true} { // the link comes by before its tree, and after it
			var o objects
			link := o.blob(strings.Repeat("t", length))
			commit := o.commit(o.tree(entry("120000", "link", link)))
			if last {
				slices.Reverse(o.entries)
			}
			_, _, err := o.into(t, new(memory), wide(commit))
			var bad *object.TreeError
			if fits && err != nil || !fits && (!errors.As(err, &bad) || bad.Name != "link") {
				t.Errorf("a target of %d bytes: %v", length, err)
			}
		}
	}
}

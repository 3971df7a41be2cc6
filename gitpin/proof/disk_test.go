package proof_test

import (
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"

	"gitlauncher/internal/gittest"
)

// TestDiskFails: what can't be made ends the proof with the path that it is about, be it
// made when its blob comes by or from the kept pack: a file, a symbolic link, the folder
// of a submodule.
func TestDiskFails(t *testing.T) {
	var o objects
	inner := o.tree(entry("100644", "b", o.blob("two")))
	commit := o.commit(o.tree(entry("100755", "a.sh", o.blob("one")), entry("40000", "d", inner), entry("120000", "link", o.blob("a.sh")), entry("160000", "module", oid(9))))
	trees := slices.Clone(o.entries)
	slices.Reverse(trees) // the commit and the trees first
	for order, entries := range map[string][]gittest.PackEntry{"blobs first": o.entries, "trees first": trees} {
		for _, path := range []string{"a.sh", "d/b", "link", "module"} {
			_, _, err := (&objects{entries}).into(t, &memory{fails: path}, wide(commit))
			var at *os.PathError
			if !errors.As(err, &at) || at.Path != path || at.Err != syscall.EIO {
				t.Errorf("%s, %s: %v", order, path, err)
			}
		}
		if tree, m, err := (&objects{entries}).into(t, &memory{fails: "other"}, wide(commit)); err != nil || len(tree.Files) != 4 || len(m.files) != 4 {
			t.Errorf("%s: %v, %v", order, m.files, err)
		}
	}
}

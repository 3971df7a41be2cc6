package pack_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/gitpin/pack/index"
	"gitlauncher/internal/gittest"
)

// TestAheadChangesNothing: a pack is read alike, however many cores inflate ahead.
// SECURITY.md: G5.
func TestAheadChangesNothing(t *testing.T) {
	data := gittest.Mixed()
	var want []index.Entry
	for _, cores := range []int{1, 2, 8} {
		var got []index.Entry
		for _, e := range readOn(t, cores, data).All() {
			got = append(got, e)
		}
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(object.ID{})); diff != "" || len(got) != 1500 {
			t.Errorf("on %d cores: %s", cores, diff)
		}
	}
}

// readOn reads a pack on a number of cores.
func readOn(t *testing.T, cores int, data []byte) *pack.Archive {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	keep, err := os.Create(filepath.Join(t.TempDir(), "keep"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keep.Close() })
	a, err := pack.Read(t.Context(), pack.Source{Stream: bytes.NewReader(data), Keep: keep, NewHasher: object.SHA1.NewHasher}, pack.Limits{Pack: 1 << 30, Tree: 1 << 30, Files: 1 << 20}, pack.NamesOnly{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

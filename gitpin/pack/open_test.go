package pack

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"gitlauncher/gitpin/object"
	"gitlauncher/internal/gittest"
)

// TestChargedOnce: when a delta is opened, the size of what it makes is charged before it is
// made, even if it is still in memory. A refusal ends the opening.
// SECURITY.md: G4.
func TestChargedOnce(t *testing.T) {
	base := []byte("the base of two deltas")
	one := append(bytes.Clone(base), " and one"...)
	two := append(bytes.Clone(one), " and two"...)
	data := gittest.Pack(-1,
		gittest.PackEntry{Type: gittest.PackBlob, Content: base},
		gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: gittest.Delta(len(base), " and one")},
		gittest.PackEntry{Type: gittest.PackOfs, Base: 1, Content: gittest.Delta(len(one), " and two")})
	dir := t.TempDir()
	keep, err := os.Create(filepath.Join(dir, "keep"))
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	a, err := Read(t.Context(), Source{
		Stream: bytes.NewReader(data), Keep: keep, NewHasher: object.SHA1.NewHasher,
		Spool: func() (*os.File, error) { return os.CreateTemp(dir, "spool") },
	}, Limits{Pack: 1 << 20, Tree: 1 << 20, Files: 100}, NamesOnly{})
	if err != nil {
		t.Fatal(err)
	}
	offset := func(content []byte) int64 {
		e, there := a.Find(object.SHA1.ID(gittest.ID("blob", content)))
		if !there {
			t.Fatalf("%q is not there", content)
		}
		return e.Offset
	}
	refused := errors.New("too much")
	bases := newCache(baseCache)
	for _, content := range [][]byte{two, one, two} { // the second and the third are in memory by then
		var charged []int64
		c, err := a.open(t.Context(), offset(content), bases, func(n int64) error { charged = append(charged, n); return nil })
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, c.size)
		if _, err := c.ReadAt(got, 0); err != nil || !bytes.Equal(got, content) || len(charged) != 1 || charged[0] != int64(len(content)) {
			t.Errorf("%q, %v, charged %v", got, err, charged)
		}
		if _, err := a.open(t.Context(), offset(content), bases, func(int64) error { return refused }); err != refused {
			t.Errorf("at hand, beyond the limit: %v", err)
		}
		if _, err := a.open(t.Context(), offset(content), newCache(baseCache), func(int64) error { return refused }); err != refused {
			t.Errorf("beyond the limit: %v", err)
		}
	}
}

package pack_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/gitpin/pack"
	"gitlauncher/internal/gittest"
)

// TestTakenUp: a delta may name its base by id, and the base may be such a delta, too. These
// deltas are resolved later, level by level. A fault in one of them is found then.
// SECURITY.md: G4.
func TestTakenUp(t *testing.T) {
	const base, levels = "the base", 5
	id := func(content string) []byte { return gittest.ID("blob", []byte(content)) }
	// Each delta names as its base what the delta before it makes. The last delta comes first
	// in the pack, so that the base of each delta is still unnamed when the delta is read.
	chain := func(last []byte) []gittest.PackEntry {
		entries := []gittest.PackEntry{blob(base)}
		content := base
		for range levels {
			entries = append([]gittest.PackEntry{{Type: gittest.PackRef, BaseID: id(content), Content: gittest.Delta(len(content), "+")}}, entries...)
			content += "+"
		}
		if last != nil {
			entries = append([]gittest.PackEntry{{Type: gittest.PackRef, BaseID: id(content), Content: last}}, entries...)
		}
		return entries
	}
	a, err := read(t, gittest.Pack(-1, chain(nil)...), wide)
	if err != nil {
		t.Fatal(err)
	}
	for n := range levels + 1 {
		holds(t, a, base+strings.Repeat("+", n))
	}
	top := byte(len(base) + levels)
	for name, tc := range map[string]struct {
		last []byte
		says string
	}{
		"more than it announces":    {[]byte{top, 1, 2, 'x', 'y'}, "a delta makes more than it announces"},
		"less than it announces":    {[]byte{top, 2, 1, 'x'}, "a delta makes less than it announces"},
		"on a base of another size": {[]byte{top + 1, 1, 1, 'x'}, "a delta is for a base of another size"},
		"a reserved instruction":    {[]byte{top, 1, 0}, "a delta has a reserved instruction"},
	} {
		var bad *pack.Error
		if _, err := read(t, gittest.Pack(-1, chain(tc.last)...), wide); !errors.As(err, &bad) || !strings.Contains(bad.Reason, tc.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The limit applies to what these deltas make, too.
	large := swell(int(top), 100_000)
	var limit *pack.LimitError
	if _, err := read(t, gittest.Pack(-1, chain(large)...), pack.Limits{Pack: 1 << 30, Tree: 64 << 10, Files: 100}); !errors.As(err, &limit) || limit.What != "tree" {
		t.Errorf("beyond the limit: %v", err)
	}
	if _, err := read(t, gittest.Pack(-1, chain(large)...), wide); err != nil {
		t.Errorf("within the limit: %v", err)
	}
	// A base that is missing.
	entries := chain(nil)
	if _, err := read(t, gittest.Pack(-1, entries[:len(entries)-1]...), wide); err == nil || !strings.HasPrefix(err.Error(), "bad pack: the base ") || !strings.HasSuffix(err.Error(), " of a delta is not in it") {
		t.Errorf("without the base: %v", err)
	}
}

// TestClaimsFail: a pack that can't be read is an error. The number of objects in a true index
// is announced.
func TestClaimsFail(t *testing.T) {
	src, index := indexed(t, blob("one"), blob("two"))
	announced := 0
	src.Announced = func(n int) { announced = n }
	if _, err := claims(t, src, index, wide); err != nil || announced != 2 {
		t.Errorf("%v, %d objects are announced", err, announced)
	}
	closed, err := os.Create(filepath.Join(t.TempDir(), "p.pack"))
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	src.Keep = closed
	if a, err := claims(t, src, index, wide); !errors.Is(err, os.ErrClosed) || a != nil {
		t.Errorf("a closed pack: %v", err)
	}
	var bad *pack.Error
	src, index = indexed(t, blob("one"), blob("two"))
	if a, err := claims(t, src, bytes.Replace(index, []byte("\xfftOc"), []byte("\xfftOd"), 1), wide); !errors.As(err, &bad) || a != nil {
		t.Errorf("an index of another kind: %v", err)
	}
}

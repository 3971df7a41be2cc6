package pack_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/internal/gittest"
)

// swell returns a delta that copies its whole base several times. base is the size of the
// base in bytes, less than 16 MiB. With it, 13 KB unfold to some 30 GB.
func swell(base, times int) []byte {
	varint := func(n int) (b []byte) {
		for ; n >= 0x80; n >>= 7 {
			b = append(b, byte(n)|0x80)
		}
		return append(b, byte(n))
	}
	code := append(varint(base), varint(base*times)...)
	for range times {
		code = append(code, 0x80|0x70, byte(base), byte(base>>8), byte(base>>16))
	}
	return code
}

const swelled = 16<<20 - 1 // the most that one instruction copies

// bomb reads a pack and counts the spool files that are made.
type bomb struct {
	dir    string
	spools int
}

func (b *bomb) read(t *testing.T, ctx context.Context, data []byte, lim pack.Limits) (*pack.Archive, error) {
	t.Helper()
	b.dir = t.TempDir()
	keep, err := os.Create(filepath.Join(b.dir, "keep"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keep.Close() })
	return pack.Read(ctx, pack.Source{
		Stream: bytes.NewReader(data), Keep: keep, NewHasher: object.SHA1.NewHasher,
		Spool: func() (*os.File, error) { b.spools++; return os.CreateTemp(b.dir, "spool") },
	}, lim, pack.NamesOnly{})
}

// written returns how many bytes the spool files have.
func (b *bomb) written(t *testing.T) (n int64) {
	t.Helper()
	spools, err := filepath.Glob(filepath.Join(b.dir, "spool*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range spools {
		if info, err := os.Stat(s); err == nil {
			n += info.Size()
		}
	}
	return n
}

// bombs are packs of some 16 KB that unfold to some 30 GB.
func bombs() map[string][]byte {
	zeros := gittest.PackEntry{Type: gittest.PackBlob, Content: make([]byte, swelled)}
	id := gittest.ID("blob", zeros.Content)
	one := gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: swell(swelled, 1900)}
	byID := gittest.PackEntry{Type: gittest.PackRef, BaseID: id, Content: swell(swelled, 1900)}
	small := gittest.PackEntry{Type: gittest.PackBlob, Content: make([]byte, 1<<20)}
	many, chain := []gittest.PackEntry{small}, []gittest.PackEntry{small}
	for range 1000 {
		many = append(many, gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: swell(1<<20, 30)})
	}
	for size := 1 << 20; size < 1<<23; size *= 2 { // each twice the one before
		chain = append(chain, gittest.PackEntry{Type: gittest.PackOfs, Base: len(chain) - 1, Content: swell(size, 2)})
	}
	chain = append(chain, gittest.PackEntry{Type: gittest.PackOfs, Base: len(chain) - 1, Content: swell(1<<23, 3800)})
	return map[string][]byte{
		"one delta":                 gittest.Pack(-1, zeros, one),
		"one delta, base by its id": gittest.Pack(-1, zeros, byID),
		"base after the delta":      gittest.Pack(-1, byID, zeros),
		"a thousand deltas":         gittest.Pack(-1, many...),
		"a chain of deltas":         gittest.Pack(-1, chain...),
	}
}

// TestBombs: a bomb is refused before anything of what exceeds the limit is written.
// SECURITY.md: G4.
func TestBombs(t *testing.T) {
	for name, data := range bombs() {
		for _, alone := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, alone %t", name, alone), func(t *testing.T) {
				var b bomb
				lim := pack.Limits{Pack: 1 << 30, Tree: 32 << 20, Files: 2000, Alone: alone}
				_, err := b.read(t, context.Background(), data, lim)
				var le *pack.LimitError
				if !errors.As(err, &le) || le.What != "tree" || le.Limit != lim.Tree {
					t.Errorf("%v", err)
				}
				most := 16 * lim.Tree
				if alone {
					most = lim.Tree
				}
				if n := b.written(t); n > most+2<<20 {
					t.Errorf("%d MiB were written for a pack of %d bytes", n>>20, len(data))
				}
				if name[:3] == "one" && b.written(t) > swelled {
					t.Errorf("%d bytes were written of one object that is too large", b.written(t))
				}
			})
		}
	}
}

// TestBombsHearTheContext: where the limits allow a bomb, a signal still ends it.
// SECURITY.md: G4.
func TestBombsHearTheContext(t *testing.T) {
	stop := errors.New("a signal")
	for name, data := range bombs() {
		t.Run(name, func(t *testing.T) {
			var b bomb
			ctx, cancel := context.WithCancelCause(context.Background())
			time.AfterFunc(200*time.Millisecond, func() { cancel(stop) })
			began := time.Now()
			_, err := b.read(t, ctx, data, pack.Limits{Pack: 1 << 30, Tree: 1 << 40, Files: 2000})
			if took := time.Since(began); !errors.Is(err, stop) || took > 10*time.Second {
				t.Errorf("%v after %v", err, took)
			}
		})
	}
}

// TestObjectLimit: a pack has no more objects than the files can need, whatever its header
// announces.
func TestObjectLimit(t *testing.T) {
	var entries []gittest.PackEntry
	for i := range 13 {
		entries = append(entries, blob(fmt.Sprint(i)))
	}
	for _, tc := range []struct {
		files, says int
		alone       bool
		limit       int64 // 0 for none
	}{
		{11, -1, true, 0}, {10, -1, true, 12}, {0, -1, false, 0}, {1000, 1 << 30, true, 1002}, {1000, 1 << 30, false, 16 * 1002}, {1 << 30, 1 << 31, true, 10 << 20},
	} {
		var b bomb
		_, err := b.read(t, context.Background(), gittest.Pack(tc.says, entries...), pack.Limits{Pack: 1 << 30, Tree: 1 << 20, Files: tc.files, Alone: tc.alone})
		var le *pack.LimitError
		if tc.limit == 0 && err != nil || tc.limit != 0 && (!errors.As(err, &le) || le.What != "object" || le.Limit != tc.limit) {
			t.Errorf("%+v: %v", tc, err)
		}
	}
}

// TestNothingOnAWord: a content takes memory only as it arrives, whatever size its header
// announces.
// SECURITY.md: G4.
func TestNothingOnAWord(t *testing.T) {
	short := []byte("x")
	for name, entry := range map[string]gittest.PackEntry{
		"a tree":   {Type: gittest.PackTree, Content: short, Size: 100 << 20},
		"a commit": {Type: gittest.PackCommit, Content: short, Size: 100 << 20},
		"a tag":    {Type: gittest.PackTag, Content: short, Size: 100 << 20},
		"a blob":   {Type: gittest.PackBlob, Content: short, Size: 4 << 20},
		"a delta":  {Type: gittest.PackOfs, Base: 0, Content: short, Size: 100 << 20},
	} {
		var b bomb
		data := gittest.Pack(-1, blob("base"), entry)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := b.read(t, context.Background(), data, pack.Limits{Pack: 1 << 30, Tree: 1 << 40, Files: 1 << 30})
		runtime.ReadMemStats(&after)
		var bad *pack.Error
		if !errors.As(err, &bad) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, err)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 3<<20 {
			t.Errorf("%s: %d KiB were allocated because a header announces them", name, n>>10)
		}
	}
}

// TestMetaLimit: a commit, a tree or a tag is no larger than the files can need.
func TestMetaLimit(t *testing.T) {
	for name, typ := range map[string]int{"commit": gittest.PackCommit, "tree": gittest.PackTree, "tag": gittest.PackTag} {
		for _, size := range []int{1 << 20, 1<<20 + 1} {
			var b bomb
			_, err := b.read(t, context.Background(), gittest.Pack(-1, gittest.PackEntry{Type: typ, Content: make([]byte, size)}), pack.Limits{Pack: 1 << 30, Tree: 1 << 30, Files: 100})
			var le *pack.LimitError
			if over := size > 1<<20; over != (errors.As(err, &le) && le.What == "object size") || !over && err != nil {
				t.Errorf("a %s of %d bytes: %v", name, size, err)
			}
		}
	}
}

// TestMemoryOfAnObject measures what doc/limits.md states: 36 bytes of memory for each
// object of a pack, 48 in a SHA-256 repository.
func TestMemoryOfAnObject(t *testing.T) {
	memoryOfAnObject(t, object.SHA1, 36)
	memoryOfAnObject(t, object.SHA256, 48)
}

func memoryOfAnObject(t *testing.T, f object.Format, states float64) {
	const n = 20_000
	entries := make([]gittest.PackEntry, n)
	for i := range entries {
		entries[i] = blob(fmt.Sprint(i))
	}
	data := gittest.Hash(f.NewChecksum).Pack(-1, entries...)
	clear(entries)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // the second one frees what pools have
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	a, err := readFrom(t, f, bytes.NewReader(data), pack.Limits{Pack: 1 << 30, Tree: 1 << 30, Files: n})
	if err != nil {
		t.Fatal(err)
	}
	each := float64(heap()-before) / n
	t.Logf("%s: %.1f bytes an object", f, each)
	if each > states*1.2 {
		t.Errorf("an object of %s takes %.1f bytes of memory", f, each)
	}
	runtime.KeepAlive(data)
	if a.Len() != n {
		t.Errorf("%d objects", a.Len())
	}
}

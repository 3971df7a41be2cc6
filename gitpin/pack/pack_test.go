package pack_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pjbgf/sha1cd"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/gitpin/pack/index"
	"gitlauncher/internal/gittest"
)

func read(t testing.TB, data []byte, lim pack.Limits) (*pack.Archive, error) {
	return readFrom(t, object.SHA1, bytes.NewReader(data), lim)
}

func readFrom(t testing.TB, f object.Format, stream io.Reader, lim pack.Limits) (*pack.Archive, error) {
	dir := t.TempDir()
	keep, err := os.Create(filepath.Join(dir, "keep"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keep.Close() })
	return pack.Read(context.Background(), pack.Source{
		Stream: stream, Keep: keep, NewHasher: f.NewHasher,
		Spool: func() (*os.File, error) { return os.CreateTemp(dir, "spool") },
	}, lim, pack.NamesOnly{})
}

var wide = pack.Limits{Pack: 1 << 30, Tree: 1 << 30, Files: 1 << 20}

func blob(s string) gittest.PackEntry {
	return gittest.PackEntry{Type: gittest.PackBlob, Content: []byte(s)}
}

// oid returns an id that no object has.
func oid(n byte) object.ID { return object.SHA1.ID(append([]byte{n}, make([]byte, 19)...)) }

// idOf returns the id of a blob.
func idOf(f object.Format, content string) object.ID {
	return f.ID(gittest.Hash(f.NewChecksum).ID("blob", []byte(content)))
}

// holds checks that the archive returns exactly that blob.
func holds(t *testing.T, a *pack.Archive, content string) {
	t.Helper()
	id := idOf(a.Format(), content)
	e, there := a.Find(id)
	if !there || e.Type != object.Blob {
		t.Fatalf("the pack has no blob %s", id)
	}
	var out bytes.Buffer
	if err := a.WriteTo(context.Background(), e, &out); err != nil || out.String() != content {
		t.Errorf("%s: %v (%d bytes)", id, err, out.Len())
	}
}

func TestDeltas(t *testing.T) {
	for _, f := range object.Formats() {
		t.Run(f.String(), func(t *testing.T) { deltas(t, f) })
	}
}

func deltas(t *testing.T, f object.Format) {
	hash := gittest.Hash(f.NewChecksum)
	base := strings.Repeat("base ", 100)
	ref := gittest.PackEntry{Type: gittest.PackRef, BaseID: hash.ID("blob", []byte(base)), Content: gittest.Delta(len(base), "ref")}
	onRef := gittest.PackEntry{Type: gittest.PackRef, BaseID: hash.ID("blob", []byte(base+"ref")), Content: gittest.Delta(len(base)+3, "more")}
	for name, entries := range map[string][]gittest.PackEntry{
		"in order":  {blob(base), {Type: gittest.PackOfs, Base: 0, Content: gittest.Delta(len(base), "ofs")}, ref, onRef},
		"backwards": {onRef, ref, blob(base), {Type: gittest.PackOfs, Base: 2, Content: gittest.Delta(len(base), "ofs")}, {Type: gittest.PackOfs, Base: 0, Content: gittest.Delta(len(base)+7, "top")}},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := readFrom(t, f, bytes.NewReader(hash.Pack(-1, entries...)), wide)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []string{base, base + "ofs", base + "ref", base + "refmore"} {
				holds(t, a, c)
			}
			if name == "backwards" {
				holds(t, a, base+"refmoretop")
			}
		})
	}
}

// TestDeepAndLarge: a chain may have thousands of deltas, and a result may be too large for
// memory.
func TestDeepAndLarge(t *testing.T) {
	entries := []gittest.PackEntry{blob("x")}
	content := "x"
	for i := range 5000 {
		entries = append(entries, gittest.PackEntry{Type: gittest.PackOfs, Base: i, Content: gittest.Delta(len(content), "y")})
		content += "y"
	}
	big := make([]byte, 9<<20)
	rand.New(rand.NewSource(1)).Read(big)
	entries = append(entries, gittest.PackEntry{Type: gittest.PackBlob, Content: big},
		gittest.PackEntry{Type: gittest.PackOfs, Base: 5001, Content: gittest.Delta(len(big), "tail")})
	a, err := read(t, gittest.Pack(-1, entries...), wide)
	if err != nil {
		t.Fatal(err)
	}
	holds(t, a, content)
	holds(t, a, string(big)+"tail")
}

// TestRefused is for SECURITY.md: G4.
func TestRefused(t *testing.T) {
	good := gittest.Pack(-1, blob("a"), blob("b"))
	bomb := gittest.PackEntry{Type: gittest.PackBlob, Content: make([]byte, 64<<20)}
	for name, tc := range map[string]struct {
		data  []byte
		limit bool // a LimitError, else a pack.Error
	}{
		"nothing":               {nil, false},
		"not a pack":            {[]byte(strings.Repeat("HTML", 10)), false},
		"version 3":             {append([]byte("PACK\x00\x00\x00\x03"), good[8:]...), false},
		"fewer than announced":  {gittest.Pack(3, blob("a"), blob("b")), false},
		"more than announced":   {gittest.Pack(1, blob("a"), blob("b")), false},
		"too many announced":    {gittest.Pack(1<<31, blob("a")), true},
		"bad trailer":           {append(append([]byte{}, good[:len(good)-1]...), good[len(good)-1]^1), false},
		"no trailer":            {good[:len(good)-20], false},
		"something after":       {append(append([]byte{}, good...), 0), false},
		"unknown type":          {gittest.Pack(-1, gittest.PackEntry{Type: 5, Content: []byte("a")}), false},
		"type 0":                {gittest.Pack(-1, gittest.PackEntry{Type: 0, Content: []byte("a")}), false},
		"larger than its size":  {gittest.Pack(-1, gittest.PackEntry{Type: gittest.PackBlob, Content: []byte("aaaa"), Size: 2}), false},
		"smaller than its size": {gittest.Pack(-1, gittest.PackEntry{Type: gittest.PackBlob, Content: []byte("a"), Size: 9}), false},
		"size out of bounds":    {gittest.Pack(-1, gittest.PackEntry{Type: gittest.PackBlob, Size: 1 << 60}), false},
		"not zlib":              {gittest.Pack(-1, gittest.PackEntry{Type: gittest.PackBlob, Size: 1, RawZlib: []byte("xxxxxxxx")}), false},
		"base before the pack":  {gittest.Pack(-1, blob("a"), gittest.PackEntry{Type: gittest.PackOfs, Back: 1 << 20, Content: gittest.Delta(1, "b")}), false},
		"base in mid-entry":     {gittest.Pack(-1, blob("a"), gittest.PackEntry{Type: gittest.PackOfs, Back: 3, Content: gittest.Delta(1, "b")}), false},
		"base is itself":        {gittest.Pack(-1, gittest.PackEntry{Type: gittest.PackOfs, Back: 0, Base: 0, Content: gittest.Delta(1, "b")}), false},
		"base not there":        {gittest.Pack(-1, gittest.PackEntry{Type: gittest.PackRef, BaseID: oid(1).Bytes(), Content: gittest.Delta(1, "b")}), false},
		"base of another size":  {gittest.Pack(-1, blob("a"), gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: gittest.Delta(2, "b")}), false},
		"delta cut off":         {gittest.Pack(-1, blob("aaaa"), gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: gittest.Delta(4, "bbbb")[:8]}), false},
		"delta from outside":    {gittest.Pack(-1, blob("a"), gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: []byte{1, 9, 0x90, 9}}), false},
		"delta makes more":      {gittest.Pack(-1, blob("a"), gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: []byte{1, 1, 2, 'x', 'y'}}), false},
		"delta reserved":        {gittest.Pack(-1, blob("a"), gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: []byte{1, 1, 0}}), false},
		"inflate bomb":          {gittest.Pack(-1, bomb), true},
		"delta bomb":            {gittest.Pack(-1, blob("a"), gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: append([]byte{1}, 0xff, 0xff, 0xff, 0xff, 0x7f)}), true},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := read(t, tc.data, pack.Limits{Pack: 1 << 30, Tree: 1 << 20, Files: 1000})
			var le *pack.LimitError
			var pe *pack.Error
			if a != nil || err == nil || tc.limit != errors.As(err, &le) || !tc.limit && !errors.As(err, &pe) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%v", err)
			}
		})
	}
	var le *pack.LimitError
	if _, err := read(t, good, pack.Limits{Pack: int64(len(good)) - 1, Tree: 1 << 20, Files: 1000}); !errors.As(err, &le) || le.What != "pack" {
		t.Errorf("pack limit: %v", err)
	}
	if _, err := read(t, good, pack.Limits{Pack: int64(len(good)), Tree: 1 << 20, Files: 1000}); err != nil {
		t.Errorf("a pack of exactly the limit: %v", err)
	}
	for n := range good {
		if _, err := read(t, good[:n], wide); err == nil {
			t.Errorf("cut off after %d bytes, it is accepted", n)
		}
	}
}

// TestLargestBatch: the largest blob that is kept in memory goes to the workers with as many
// small ones before it as a batch can have.
func TestLargestBatch(t *testing.T) {
	var entries []gittest.PackEntry
	for i := range 3 {
		entries = append(entries, blob(strings.Repeat("x", 128<<10-1-i)), blob(strings.Repeat("y", 4<<20-i)))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var b bomb
	if _, err := b.read(t, ctx, gittest.Pack(-1, entries...), wide); err != nil {
		t.Error(err)
	}
}

// TestResolvedLimit: what deltas make in the second pass counts against the limit, too. A
// pack of some kilobytes can have hundreds of deltas whose base comes last.
// SECURITY.md: G4.
func TestResolvedLimit(t *testing.T) {
	base := strings.Repeat("0123456789", 6000)
	var entries []gittest.PackEntry
	total := len(base)
	for i := range 400 {
		d := gittest.Delta(len(base), fmt.Sprint(i))
		entries = append(entries, gittest.PackEntry{Type: gittest.PackRef, BaseID: gittest.ID("blob", []byte(base)), Content: d})
		total += len(base) + len(fmt.Sprint(i))
	}
	data := gittest.Pack(-1, append(entries, blob(base))...)
	if len(data) > 64<<10 {
		t.Fatalf("the pack has %d bytes, which is too many for this test", len(data))
	}
	const times, meta = 16, 1 << 20 // all objects may have times the files' limit and meta
	if _, err := read(t, data, pack.Limits{Pack: 1 << 30, Tree: int64(total+times-1)/times - meta, Files: 1000}); err != nil {
		t.Errorf("within the limit: %v", err)
	}
	var le *pack.LimitError
	if _, err := read(t, data, pack.Limits{Pack: 1 << 30, Tree: int64(total)/times - meta - 1, Files: 1000}); !errors.As(err, &le) || le.What != "tree" {
		t.Errorf("above the limit: %v", err)
	}
}

// TestEveryByte: a pack in which any byte has changed is refused.
// SECURITY.md: G1.
func TestEveryByte(t *testing.T) {
	for _, f := range object.Formats() {
		base := gittest.Hash(f.NewChecksum).ID("blob", []byte("some content"))
		good := gittest.Hash(f.NewChecksum).Pack(-1, blob("some content"), gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: gittest.Delta(12, "b")},
			gittest.PackEntry{Type: gittest.PackRef, BaseID: base, Content: gittest.Delta(12, "c")})
		for i := range good {
			bad := bytes.Clone(good)
			bad[i] ^= 0x10
			if _, err := readFrom(t, f, bytes.NewReader(bad), wide); err == nil {
				t.Errorf("%s: byte %d changed, and it is accepted", f, i)
			}
			if _, err := readFrom(t, f, bytes.NewReader(good[:i]), wide); err == nil {
				t.Errorf("%s: cut off after %d bytes, it is accepted", f, i)
			}
		}
		for _, other := range object.Formats() {
			if a, err := readFrom(t, other, bytes.NewReader(good), wide); (err == nil) != (other == f) {
				t.Errorf("a pack of %s, read as %s: %+v, %v", f, other, a, err)
			}
		}
	}
}

// TestChecksums: an object with a wrong zlib checksum is refused, although the pack's own
// checksum is right. Git could not read such an object.
func TestChecksums(t *testing.T) {
	wrong := func(content string) []byte {
		var z bytes.Buffer
		w := zlib.NewWriter(&z)
		w.Write([]byte(content))
		w.Close()
		b := z.Bytes()
		b[len(b)-1] ^= 1
		return b
	}
	large, delta := strings.Repeat("large ", 1<<20), string(gittest.Delta(1, "b"))
	for name, entries := range map[string][]gittest.PackEntry{
		"blob":       {{Type: gittest.PackBlob, Size: 4, RawZlib: wrong("blob")}},
		"large blob": {{Type: gittest.PackBlob, Size: len(large), RawZlib: wrong(large)}},
		"tree":       {{Type: gittest.PackTree, Size: 4, RawZlib: wrong("tree")}},
		"delta":      {blob("a"), {Type: gittest.PackOfs, Base: 0, Size: len(delta), RawZlib: wrong(delta)}},
	} {
		if _, err := read(t, gittest.Pack(-1, entries...), wide); err == nil || err.Error() != "bad pack: an object is not valid zlib data" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPieces: the pieces in which a stream arrives make no difference.
func TestPieces(t *testing.T) {
	var entries []gittest.PackEntry
	for i := range 3000 {
		entries = append(entries, blob(""), blob(strings.Repeat("x", i)))
	}
	data := gittest.Pack(-1, entries...)
	want := data[len(data)-20:]
	for _, piece := range []int{1, 19, 20, 21, 4096, 64 << 10, len(data) - 1, len(data)} {
		a, err := readFrom(t, object.SHA1, &pieces{data, piece}, wide)
		if err != nil || !bytes.Equal(a.Checksum[:], want) || a.Len() != len(entries) {
			t.Errorf("in pieces of %d: %v", piece, err)
		}
	}
}

// pieces is a reader that returns at most n bytes at once.
type pieces struct {
	data []byte
	n    int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.data) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.data[:min(p.n, len(p.data))])
	p.data = p.data[n:]
	return n, nil
}

// TestSilence: nobody waits for the rest of a bad stream, although it is read ahead.
func TestSilence(t *testing.T) {
	bad := gittest.Pack(2, gittest.PackEntry{Type: gittest.PackBlob, Size: 1, RawZlib: []byte("xxxxxxxx")})
	silent, end := io.Pipe()
	defer end.Close()
	if _, err := readFrom(t, object.SHA1, io.MultiReader(bytes.NewReader(bad), silent), wide); err == nil {
		t.Error("it is accepted")
	}
}

// saysCollision is a SHA-1 that always reports an attack.
type saysCollision struct{ object.CollisionHash }

func (saysCollision) CollisionResistantSum(b []byte) ([]byte, bool) {
	return append(b, make([]byte, 20)...), true
}

// TestCollisionIsRefused is for SECURITY.md: G1.
func TestCollisionIsRefused(t *testing.T) {
	keep, err := os.Create(filepath.Join(t.TempDir(), "keep"))
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	_, err = pack.Read(context.Background(), pack.Source{
		Stream: bytes.NewReader(gittest.Pack(-1, blob("a"))), Keep: keep,
		NewHasher: func() *object.Hasher { return object.NewHasherOn(saysCollision{newSHA1()}) },
	}, wide, pack.NamesOnly{})
	if !errors.Is(err, object.ErrCollision) {
		t.Error(err)
	}
}

// TestIndexIsGits: the index that WriteIndex writes is, byte for byte, the one that git
// makes.
func TestIndexIsGits(t *testing.T) {
	for _, f := range object.Formats() {
		t.Run(f.String(), func(t *testing.T) { indexIsGits(t, f) })
	}
}

func indexIsGits(t *testing.T, f object.Format) {
	data := gittest.Hash(f.NewChecksum).Pack(-1, blob("a"), blob("b"), gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: gittest.Delta(1, "more")})
	a, err := readFrom(t, f, bytes.NewReader(data), wide)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.pack"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := gittest.Git(dir, nil, "index-pack", "--object-format="+f.String(), "p.pack"); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(dir, "p.idx"))
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := a.WriteIndex(&got); err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the index differs from git's (%v)", err)
	}
	idx, err := os.Open(filepath.Join(dir, "p.idx"))
	if err != nil {
		t.Fatal(err)
	}
	defer idx.Close()
	there, err := index.Read(idx, f, 3)
	if err != nil || there.Len() != a.Len() {
		t.Fatalf("%+v, %v", there, err)
	}
	for n, e := range a.All() {
		if claim, ok := there.Find(e.ID); !ok || claim.Offset != e.Offset || there.Number(e.ID) != n {
			t.Errorf("git has %+v for %+v", claim, e)
		}
	}
	var bad *pack.Error
	if _, err := index.Read(idx, f, 2); !errors.As(err, &bad) {
		t.Errorf("more objects than there may be: %v", err)
	}
	if _, ok := a.Find(map[object.Format]object.ID{object.SHA1: idOf(object.SHA256, "a"), object.SHA256: idOf(object.SHA1, "a")}[f]); ok {
		t.Error("an id of the other format is found")
	}
}

func FuzzRead(f *testing.F) {
	for _, format := range object.Formats() {
		f.Add(gittest.Hash(format.NewChecksum).Pack(-1, blob("some content"), gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: gittest.Delta(12, "b")}))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range object.Formats() {
			a, err := readFrom(t, format, bytes.NewReader(data), pack.Limits{Pack: 1 << 20, Tree: 1 << 16, Files: 1000})
			if err != nil {
				continue
			}
			for _, e := range a.All() {
				if e.ID.IsZero() || e.ID.Format() != format || e.Type == 0 {
					t.Fatal("an object without a name")
				}
			}
		}
	})
}

func newSHA1() object.CollisionHash { return sha1cd.New().(object.CollisionHash) }

// TestKeptPackIsHashedAgain: an object is hashed again when it is read, because anyone who
// shares the disk may have replaced the kept pack with another one of the same shape.
// SECURITY.md: G1.
func TestKeptPackIsHashedAgain(t *testing.T) {
	shape := func(c string) []byte {
		return gittest.Pack(-1, blob(strings.Repeat(c, 40)), gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: gittest.Delta(40, "tail")})
	}
	kept, other := shape("a"), shape("b")
	if len(kept) != len(other) {
		t.Fatalf("the packs have %d and %d bytes, which is not the same shape", len(kept), len(other))
	}
	dir := t.TempDir()
	keep, err := os.Create(filepath.Join(dir, "keep"))
	if err != nil {
		t.Fatal(err)
	}
	defer keep.Close()
	a, err := pack.Read(t.Context(), pack.Source{
		Stream: bytes.NewReader(kept), Keep: keep, NewHasher: object.SHA1.NewHasher,
		Spool: func() (*os.File, error) { return os.CreateTemp(dir, "spool") },
	}, wide, pack.NamesOnly{})
	if err != nil {
		t.Fatal(err)
	}
	contents := []string{strings.Repeat("a", 40), strings.Repeat("a", 40) + "tail"}
	for _, c := range contents {
		holds(t, a, c)
	}
	if _, err := keep.WriteAt(other, 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range contents {
		e, _ := a.Find(object.SHA1.ID(gittest.ID("blob", []byte(c))))
		var out bytes.Buffer
		if err := a.WriteTo(t.Context(), e, &out); err == nil || !strings.Contains(err.Error(), "the kept pack does not hold what it should") {
			t.Errorf("%d bytes of another object are returned as %s: %v", out.Len(), e.ID, err)
		}
		if _, _, err := a.Bytes(t.Context(), e); err == nil || !strings.Contains(err.Error(), "the kept pack does not hold what it should") {
			t.Errorf("the content of another object is returned as %s: %v", e.ID, err)
		}
	}
}

// broken is a disk that fails after left bytes.
type broken struct{ left int }

var errDisk = errors.New("the disk fails")

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errDisk
	}
	return len(p), nil
}

// TestWriteFails: wherever the disk fails while a pack is written, the error is the disk's.
func TestWriteFails(t *testing.T) {
	a, err := read(t, gittest.Pack(-1, blob("one"), blob(strings.Repeat("two", 1000))), wide)
	if err != nil {
		t.Fatal(err)
	}
	ids := []object.ID{object.SHA1.ID(gittest.ID("blob", []byte("one"))), object.SHA1.ID(gittest.ID("blob", []byte(strings.Repeat("two", 1000))))}
	var whole bytes.Buffer
	if err := pack.Write(t.Context(), &whole, a, ids); err != nil {
		t.Fatal(err)
	}
	for n := range whole.Len() {
		if err := pack.Write(t.Context(), &broken{n}, a, ids); !errors.Is(err, errDisk) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
	if err := pack.Write(t.Context(), &broken{whole.Len()}, a, ids); err != nil {
		t.Error(err)
	}
	var bad *pack.Error
	if err := pack.Write(t.Context(), io.Discard, a, append(ids, oid(1))); !errors.As(err, &bad) {
		t.Errorf("an object that is not there: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errDisk)
	if err := pack.Write(ctx, io.Discard, a, ids); !errors.Is(err, errDisk) {
		t.Errorf("after a signal: %v", err)
	}
}

// TestDeltaReasons: the error says what is wrong with a delta.
func TestDeltaReasons(t *testing.T) {
	for reason, code := range map[string][]byte{
		"a delta makes more than it announces": {1, 1, 2, 'x', 'y'},
		"a delta makes less than it announces": {1, 2, 1, 'x'},
		"a delta has a reserved instruction":   {1, 1, 0},
		"a delta ends within an instruction":   {1, 2, 2, 'x'},
	} {
		_, err := read(t, gittest.Pack(-1, blob("a"), gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: code}), wide)
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", reason, err)
		}
	}
}

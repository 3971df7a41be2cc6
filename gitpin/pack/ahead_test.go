package pack

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlauncher/gitpin/object"
	"gitlauncher/internal/gittest"
)

// text compresses about as well as source code does.
func text(rnd *rand.Rand, size int) []byte {
	var b bytes.Buffer
	for b.Len() < size {
		fmt.Fprintf(&b, "line %x of this\n", rnd.Intn(1<<20))
	}
	return b.Bytes()[:size]
}

// many is a pack of a few megabytes with entries of all kinds.
var many = sync.OnceValue(func() []byte {
	rnd := rand.New(rand.NewSource(1))
	var entries []gittest.PackEntry
	size := 0 // of the object before
	for i := range 1500 {
		content := text(rnd, 1+rnd.Intn(12_000))
		if i%100 == 99 { // longer than what is read behind a region
			content = make([]byte, 300_000)
			rnd.Read(content)
		}
		if i%7 == 3 {
			entries = append(entries, gittest.PackEntry{Type: gittest.PackOfs, Base: i - 1, Content: gittest.Delta(size, string(content))})
			size += len(content)
		} else {
			entries = append(entries, gittest.PackEntry{Type: gittest.PackBlob, Content: content})
			size = len(content)
		}
	}
	return gittest.Pack(-1, entries...)
})

// inside is an intake that a pack has come through.
func inside(t testing.TB, data []byte) *intake {
	file, err := os.Create(filepath.Join(t.TempDir(), "keep"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	in := takeIn(Source{Stream: bytes.NewReader(data), Keep: file, NewHasher: object.SHA1.NewHasher}, int64(len(data)))
	in.wait(int64(len(data)))
	return in
}

// scanned goes over a pack as Read does, waiting in each region for what guessers
// find in it, and gives how many entries there are and how many were found. What was
// found must be what the scan finds.
func scanned(t *testing.T, data []byte, guessers int) (entries, found int) {
	t.Helper()
	in := inside(t, data)
	scan, err := newScanner(in, object.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	a := newAhead(in, object.SHA1)
	defer a.end()
	for range guessers {
		go a.guess(guessers)
	}
	for range scan.count {
		h, err := scan.next()
		if err != nil {
			t.Fatal(err)
		}
		a.settle(h.offset / regionSize)
		g, ok := a.take(h.offset)
		content, err := scan.inflate(scan.buf, nil, h.size)
		if err != nil {
			t.Fatal(err)
		}
		entries++
		if !ok {
			continue
		}
		found++
		if !bytes.Equal(g.content.bytes, content.bytes) || g.content.adler != content.adler || g.end != scan.position() {
			t.Errorf("at %d, something else was found", h.offset)
		}
	}
	return entries, found
}

// settle waits until a guesser has taken the next region up and left it. Of regions
// that the scan jumps to, guessers know nothing yet.
func (a *ahead) settle(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for n == a.scan+1 && a.next <= n || a.regions[n] != nil && !a.regions[n].left {
		a.change.Wait()
	}
}

func TestAhead(t *testing.T) {
	data := many()
	for _, guessers := range []int{1, 3} {
		entries, found := scanned(t, data, guessers)
		t.Logf("%d guessers: %d of %d entries, %d bytes", guessers, found, entries, len(data))
		if found < entries/2 {
			t.Errorf("%d guessers found %d of %d entries", guessers, found, entries)
		}
	}
}

// TestAheadChangesNothing: whether others inflate ahead or not, a pack is the same.
// SECURITY.md: G5.
func TestAheadChangesNothing(t *testing.T) {
	data := many()
	var want []Entry
	for _, cores := range []int{1, 2, 8} {
		var got []Entry
		for _, e := range readOn(t, cores, data).All() {
			got = append(got, e)
		}
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(Entry{}, object.ID{})); diff != "" || len(got) != 1500 {
			t.Errorf("on %d cores: %s", cores, diff)
		}
	}
}

// readOn reads a pack on so many cores.
func readOn(t *testing.T, cores int, data []byte) *Archive {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
	keep, err := os.Create(filepath.Join(t.TempDir(), "keep"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keep.Close() })
	a, err := Read(t.Context(), Source{Stream: bytes.NewReader(data), Keep: keep, NewHasher: object.SHA1.NewHasher}, Limits{Pack: 1 << 30, Tree: 1 << 30, Files: 1 << 20}, unheard{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// unheard is a Sink that wants nothing.
type unheard struct{}

func (unheard) Meta(object.Type, object.ID, []byte) error { return nil }
func (unheard) Blob(object.ID, []byte) error              { return nil }
func (unheard) Large(int64) (LargeBlob, error)            { return Discard, nil }

// TestAheadIsMisled: what looks like entries within an object is found, and nobody
// takes it up.
// SECURITY.md: G5.
func TestAheadIsMisled(t *testing.T) {
	var z bytes.Buffer
	w, err := zlib.NewWriterLevel(&z, zlib.NoCompression) // so that the bytes stand there as they are
	if err != nil {
		t.Fatal(err)
	}
	inner := many()[:3<<20]
	w.Write(inner)
	w.Close()
	outer := gittest.PackEntry{Type: gittest.PackBlob, Size: len(inner), RawZlib: z.Bytes()}
	after := gittest.PackEntry{Type: gittest.PackBlob, Content: []byte("after")}
	data := gittest.Pack(-1, outer, after, outer, after)
	scanned(t, data, 1)

	g := guesser{ahead: newAhead(inside(t, data), object.SHA1)}
	r := &region{found: make(map[int64]guess)}
	g.work(r, regionSize)
	if len(r.found) == 0 {
		t.Error("nothing was there to mislead")
	}
}

// TestAheadGivesUp: bytes that all look as if an entry began do not cost more than
// they may.
// SECURITY.md: G4.
func TestAheadGivesUp(t *testing.T) {
	g := guesser{ahead: newAhead(inside(t, bytes.Repeat([]byte{0xb0, 0x20, 0x78, 0x9c}, 1<<18)), object.SHA1)}
	r := &region{found: make(map[int64]guess)}
	g.start = regionSize
	if !g.load() {
		t.Fatal("no region")
	}
	// The last try may cost more than is left; another one is not begun.
	if at, ok := g.first(r); ok || g.tries >= 0 || g.tries < -(tryCosts+tryBytes) {
		t.Errorf("%v at %d, with %d left", ok, at, g.tries)
	}
}

// FuzzAhead: whatever the bytes, what a guesser finds at one of them is what inflates
// from there.
// SECURITY.md: G5.
func FuzzAhead(f *testing.F) {
	f.Add(gittest.Pack(-1, gittest.PackEntry{Type: gittest.PackBlob, Content: []byte("some content")},
		gittest.PackEntry{Type: gittest.PackOfs, Base: 0, Content: gittest.Delta(12, "b")}))
	f.Fuzz(func(t *testing.T, data []byte) {
		g := guesser{ahead: newAhead(inside(t, data), object.SHA1)}
		r := &region{found: make(map[int64]guess)}
		g.work(r, 0)
		for at, found := range r.found {
			reader := bytes.NewReader(data[at:])
			h := entryHeader{offset: at}
			if err := readEntryHeader(reader, object.SHA1, &h); err != nil {
				t.Fatal(err)
			}
			var again inflater
			content, err := again.inflate(reader, nil, int64(h.size))
			if err != nil || !bytes.Equal(content.bytes, found.content.bytes) || found.end != int64(len(data)-reader.Len()) {
				t.Fatalf("at %d: %v", at, err)
			}
		}
	})
}

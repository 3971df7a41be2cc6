package scan

import (
	"bytes"
	"compress/zlib"
	"os"
	"path/filepath"
	"testing"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/entry"
	"gitlauncher/internal/gittest"
)

// inside returns an intake that has taken in a whole pack.
func inside(t testing.TB, data []byte) *intake {
	file, err := os.Create(filepath.Join(t.TempDir(), "keep"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	in := takeIn(bytes.NewReader(data), file, object.SHA1, int64(len(data)))
	in.wait(int64(len(data)))
	return in
}

// scanned scans a pack as Read does, and waits in each region until its guesser is done. It
// returns the number of entries, and how many of them guessers had found. A guess must be
// what the scan finds.
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
		a.settle(h.Offset / regionSize)
		g, ok := a.take(h.Offset)
		content, err := scan.inflate(h.Size)
		if err != nil {
			t.Fatal(err)
		}
		entries++
		if !ok {
			continue
		}
		found++
		if !bytes.Equal(g.content.Bytes, content.Bytes) || g.content.Adler != content.Adler || g.end != scan.position() {
			t.Errorf("at %d, a guesser found something else", h.Offset)
		}
	}
	return entries, found
}

// settle waits until a guesser is done with the next region. It does not wait for a region
// that the scan has skipped others to reach, since no guesser knows of it yet.
func (a *ahead) settle(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for n == a.scan+1 && a.next <= n || a.regions[n] != nil && !a.regions[n].done {
		a.change.Wait()
	}
}

func TestAhead(t *testing.T) {
	data := gittest.Mixed()
	for _, guessers := range []int{1, 3} {
		entries, found := scanned(t, data, guessers)
		t.Logf("%d guessers: %d of %d entries, %d bytes", guessers, found, entries, len(data))
		if found < entries/2 {
			t.Errorf("%d guessers found %d of %d entries", guessers, found, entries)
		}
	}
}

// TestAheadIsMisled: guessers find what looks like entries within an object, and the scan
// does not use it.
// SECURITY.md: G5.
func TestAheadIsMisled(t *testing.T) {
	var z bytes.Buffer
	w, err := zlib.NewWriterLevel(&z, zlib.NoCompression) // so that the pack has these very bytes
	if err != nil {
		t.Fatal(err)
	}
	inner := gittest.Mixed()[:3<<20]
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

// TestAheadGivesUp: where every byte looks like the beginning of an entry, the tries still
// end.
// SECURITY.md: G4.
func TestAheadGivesUp(t *testing.T) {
	g := guesser{ahead: newAhead(inside(t, bytes.Repeat([]byte{0xb0, 0x20, 0x78, 0x9c}, 1<<18)), object.SHA1)}
	r := &region{found: make(map[int64]guess)}
	g.start = regionSize
	if !g.load() {
		t.Fatal("no region")
	}
	// The last try may cost more than is left, and there is no other after it.
	if at, ok := g.first(r); ok || g.tries >= 0 || g.tries < -(tryCosts+tryBytes) {
		t.Errorf("%v at %d, with %d left", ok, at, g.tries)
	}
}

// FuzzAhead: what a guesser finds at an offset is what inflates from there, whatever the
// bytes are.
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
			h := entry.Header{Offset: at}
			if err := entry.ReadHeader(reader, object.SHA1, &h); err != nil {
				t.Fatal(err)
			}
			var again entry.Inflater
			content, err := again.Inflate(reader, nil, h.Size)
			if err != nil || !bytes.Equal(content.Bytes, found.content.Bytes) || found.end != int64(len(data)-reader.Len()) {
				t.Fatalf("at %d: %v", at, err)
			}
		}
	})
}

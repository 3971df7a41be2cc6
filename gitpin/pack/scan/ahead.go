package scan

import (
	"bytes"
	"encoding/binary"
	"sync"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/entry"
)

// Only inflating an entry tells where the next one begins, so one core alone can read
// a pack. But where an entry begins can be guessed from its first bytes. So guessers
// look for one, region by region ahead of the scan, and inflate it and what follows.
//
// No guess is believed. The scan takes up what was inflated from some byte only when
// it has itself come to that very byte, and what inflates from there follows from the
// bytes alone. A wrong guess costs time, and each region has little of it.
const (
	regionSize  = 256 << 10 // bytes of the pack in which one guesser begins entries
	regionSpill = 64 << 10  // and how many more its last entry may take
	regionGives = 2 << 20   // bytes of contents that are kept of a region
	regionTries = 128 << 10 // bytes of contents that are inflated to find its first entry
	tryBytes    = 64 << 10  // bytes of a content that is tried
	tryHeader   = 3         // bytes of the header of such an entry, at most
	tryCosts    = 1 << 10   // bytes that a try counts for beside its content
	shrinks     = 2         // times smaller, at least, that a content is taken to be in the pack
)

// ahead is what was inflated ahead of the scan.
type ahead struct {
	from   *intake
	format object.Format

	mu      sync.Mutex
	change  *sync.Cond        // any of what follows is another
	scan    int64             // the region that the scan is in
	next    int64             // the one to take up
	regions map[int64]*region // none before scan
	ended   bool
}

// region is one that a guesser has taken up.
type region struct {
	at    int64           // where it is inflating, while it is
	found map[int64]guess // by where they begin
	left  bool            // by its guesser, or to be left by it
}

// guess is the content of an entry, if one begins there.
type guess struct {
	content entry.Content
	end     int64 // of the entry
}

func newAhead(from *intake, f object.Format) *ahead {
	a := &ahead{from: from, format: f, next: 1, regions: make(map[int64]*region)}
	a.change = sync.NewCond(&a.mu)
	return a
}

// take returns what was inflated from a byte to which the scan has come.
func (a *ahead) take(offset int64) (guess, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pass(offset / regionSize)
	r := a.regions[a.scan]
	if r == nil {
		return guess{}, false
	}
	for r.at == offset && !r.left {
		a.change.Wait()
	}
	g, ok := r.found[offset]
	delete(r.found, offset)
	r.left = r.left || !ok // it has gone another way, or is slower than the scan
	return g, ok
}

// pass notes that the scan has come to a region.
func (a *ahead) pass(here int64) {
	if here == a.scan {
		return
	}
	for ; a.scan < here; a.scan++ {
		if r := a.regions[a.scan]; r != nil {
			r.left = true
			delete(a.regions, a.scan)
		}
	}
	a.next = max(a.next, here+1)
	a.change.Broadcast()
}

// end ends the guessers.
func (a *ahead) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	a.change.Broadcast()
}

// takeUp returns the next region for a guesser, once it is near enough.
func (a *ahead) takeUp(guessers int) (n int64, r *region) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for a.next > a.scan+2*int64(guessers) && !a.ended {
		a.change.Wait()
	}
	if a.ended {
		return 0, nil
	}
	n, r = a.next, &region{found: make(map[int64]guess)}
	a.regions[n] = r
	a.next++
	return n, r
}

// guess is the work of one of so many guessers.
func (a *ahead) guess(guessers int) {
	g := guesser{ahead: a}
	for {
		n, r := a.takeUp(guessers)
		if r == nil {
			return
		}
		g.work(r, n*regionSize)
		g.leave(r)
	}
}

func (a *ahead) leave(r *region) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r.left = true
	a.change.Broadcast()
}

// goesOn notes where a guesser is inflating, and reports whether it should go on.
func (a *ahead) goesOn(r *region, at int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	r.at = at
	return !r.left && !a.ended
}

func (a *ahead) add(r *region, at int64, g guess) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r.found[at] = g
	r.at = g.end
	a.change.Broadcast()
}

// guesser is what a guesser works with.
type guesser struct {
	*ahead
	inflater entry.Inflater
	bytes    []byte // of the region and its spill
	start    int64  // where they begin in the pack
	reader   bytes.Reader
	scratch  []byte
	tries    int // what is left of regionTries
}

// work inflates the entries of the region that begins there.
func (g *guesser) work(r *region, start int64) {
	g.start = start
	if !g.load() {
		return
	}
	at, ok := g.first(r)
	for gives := int64(0); ok && at < start+regionSize && g.goesOn(r, at); {
		h, err := g.header(at)
		if gives += h.Size; err != nil || gives > regionGives || h.Size > shrinks*int64(g.reader.Len()) {
			return
		}
		content, err := g.inflater.Inflate(&g.reader, make([]byte, h.Size), h.Size)
		if err != nil {
			return
		}
		end := g.position()
		g.add(r, at, guess{content, end})
		at = end
	}
}

// load reads the region's bytes, once they are there.
func (g *guesser) load() bool {
	n := min(regionSize+regionSpill, g.from.wait(g.start+regionSize+regionSpill)-g.start)
	if n <= 0 {
		return false
	}
	if g.bytes == nil { // few packs come so far
		g.bytes, g.scratch = make([]byte, regionSize+regionSpill), make([]byte, tryBytes)
	}
	g.bytes = g.bytes[:n]
	_, err := g.from.file.ReadAt(g.bytes, g.start)
	return err == nil
}

// header reads an entry's header; the content is next.
func (g *guesser) header(at int64) (entry.Header, error) {
	g.reader.Reset(g.bytes[at-g.start:])
	h := entry.Header{Offset: at}
	return h, entry.ReadHeader(&g.reader, g.format, &h)
}

// position is how far the reader has come.
func (g *guesser) position() int64 { return g.start + int64(len(g.bytes)-g.reader.Len()) }

// first looks for the first thing that inflates as an entry does: to the size that
// stands before it, and with the right checksum.
func (g *guesser) first(r *region) (at int64, ok bool) {
	g.tries = regionTries
	for i := 1; i+1 < len(g.bytes); i++ {
		next := bytes.IndexByte(g.bytes[i:len(g.bytes)-1], 0x78) // how zlib streams begin
		if next < 0 {
			return 0, false
		}
		i += next
		if binary.BigEndian.Uint16(g.bytes[i:])%31 != 0 {
			continue
		}
		for header := 1; header <= min(i, tryHeader); header++ {
			at := g.start + int64(i-header)
			h, err := g.header(at)
			if err != nil || h.Type >= entry.OfsDelta || h.Size > tryBytes || g.position() != g.start+int64(i) {
				continue
			}
			if g.tries -= tryCosts + int(h.Size); g.tries < 0 || !g.goesOn(r, 0) {
				return 0, false
			}
			content, err := g.inflater.Inflate(&g.reader, g.scratch, h.Size)
			if err == nil && content.Check() == nil {
				return at, true
			}
		}
	}
	return 0, false
}

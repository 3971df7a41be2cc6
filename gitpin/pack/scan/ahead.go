package scan

import (
	"bytes"
	"encoding/binary"
	"sync"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/entry"
)

// The end of an entry is known only when it was inflated. So one core would read a pack and
// the others wait. But the first bytes of an entry show where one may begin. So guessers
// look for an entry in the regions ahead of the scan, and inflate it and those after it.
//
// No guess is believed. The scan uses what was inflated from some offset only when it has
// reached that offset itself, and the content there follows from the bytes alone. A wrong
// guess only costs time, and little for each region.
const (
	regionSize  = 256 << 10 // bytes of the pack in which a region's entries begin
	regionSpill = 64 << 10  // further bytes that its last entry may have
	regionKeeps = 2 << 20   // bytes of contents that are kept of a region
	regionTries = 128 << 10 // bytes that are inflated to find a region's first entry
	tryBytes    = 64 << 10  // bytes of the largest content that is tried
	tryHeader   = 3         // bytes of the header of such an entry, at most
	tryCosts    = 1 << 10   // bytes that a try counts for besides its content
	shrinks     = 2         // a content larger than this many times the bytes left is not inflated
)

// ahead has what was inflated ahead of the scan.
type ahead struct {
	from   *intake
	format object.Format

	mu      sync.Mutex
	change  *sync.Cond        // a field below has changed
	scan    int64             // the region that the scan is in
	next    int64             // the next region for a guesser
	regions map[int64]*region // none before scan
	ended   bool
}

// region is a region that a guesser works on, or has worked on.
type region struct {
	at    int64           // the entry that is being inflated
	found map[int64]guess // by the offset of the entry
	done  bool            // its guesser has left it, or must
}

// guess is the content of an entry, if there is one at its offset.
type guess struct {
	content entry.Content
	end     int64 // the offset after the entry
}

func newAhead(from *intake, f object.Format) *ahead {
	a := &ahead{from: from, format: f, next: 1, regions: make(map[int64]*region)}
	a.change = sync.NewCond(&a.mu)
	return a
}

// take returns what was inflated from offset, which the scan has reached.
func (a *ahead) take(offset int64) (guess, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pass(offset / regionSize)
	r := a.regions[a.scan]
	if r == nil {
		return guess{}, false
	}
	for r.at == offset && !r.done {
		a.change.Wait()
	}
	g, ok := r.found[offset]
	delete(r.found, offset)
	r.done = r.done || !ok // its guesser is wrong, or slower than the scan
	return g, ok
}

// pass notes that the scan has reached a region.
func (a *ahead) pass(here int64) {
	if here == a.scan {
		return
	}
	for ; a.scan < here; a.scan++ {
		if r := a.regions[a.scan]; r != nil {
			r.done = true
			delete(a.regions, a.scan)
		}
	}
	a.next = max(a.next, here+1)
	a.change.Broadcast()
}

// end makes the guessers return.
func (a *ahead) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ended = true
	a.change.Broadcast()
}

// takeUp returns the next region for a guesser, once the scan is near enough. r is nil at
// the end.
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

// guess does the work of one guesser, of this many, until the end.
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
	r.done = true
	a.change.Broadcast()
}

// goesOn notes the entry that a guesser inflates, and reports whether it should go on.
func (a *ahead) goesOn(r *region, at int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	r.at = at
	return !r.done && !a.ended
}

func (a *ahead) add(r *region, at int64, g guess) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r.found[at] = g
	r.at = g.end
	a.change.Broadcast()
}

// guesser has the memory that one guesser works with.
type guesser struct {
	*ahead
	inflater entry.Inflater
	bytes    []byte // of the region and its spill
	start    int64  // their offset in the pack
	reader   bytes.Reader
	scratch  []byte
	tries    int // what is left of regionTries
}

// work inflates the entries of the region at start.
func (g *guesser) work(r *region, start int64) {
	g.start = start
	if !g.load() {
		return
	}
	at, ok := g.first(r)
	for kept := int64(0); ok && at < start+regionSize && g.goesOn(r, at); {
		h, err := g.header(at)
		if kept += h.Size; err != nil || kept > regionKeeps || h.Size > shrinks*int64(g.reader.Len()) {
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

// load reads the region's bytes, once they have arrived. It reports whether there are any.
func (g *guesser) load() bool {
	n := min(regionSize+regionSpill, g.from.wait(g.start+regionSize+regionSpill)-g.start)
	if n <= 0 {
		return false
	}
	if g.bytes == nil { // only now, since few packs are so long
		g.bytes, g.scratch = make([]byte, regionSize+regionSpill), make([]byte, tryBytes)
	}
	g.bytes = g.bytes[:n]
	_, err := g.from.file.ReadAt(g.bytes, g.start)
	return err == nil
}

// header reads the header of the entry at an offset. The reader is then at the content.
func (g *guesser) header(at int64) (entry.Header, error) {
	g.reader.Reset(g.bytes[at-g.start:])
	h := entry.Header{Offset: at}
	return h, entry.ReadHeader(&g.reader, g.format, &h)
}

// position returns the reader's offset in the pack.
func (g *guesser) position() int64 { return g.start + int64(len(g.bytes)-g.reader.Len()) }

// first looks for the first bytes that inflate as an entry does: to the size in the header
// before them, and with the right checksum.
func (g *guesser) first(r *region) (at int64, ok bool) {
	g.tries = regionTries
	for i := 1; i+1 < len(g.bytes); i++ {
		next := bytes.IndexByte(g.bytes[i:len(g.bytes)-1], 0x78) // the first byte of a zlib stream
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

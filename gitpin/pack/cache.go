package pack

import (
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/delta"
)

// baseCache is how many bytes of possible delta bases a pass keeps at hand.
const baseCache = 16 << 20

// cache keeps the contents seen last, by their offset in the pack, up to a
// number of bytes. A nil cache keeps nothing.
type cache struct {
	room  int
	items map[int64]cached
	order []int64 // offsets, oldest first
}

type cached struct {
	typ     object.Type
	content []byte
}

func newCache(room int) *cache { return &cache{room: room, items: make(map[int64]cached)} }

func (c *cache) get(offset int64) (cached, bool) {
	if c == nil {
		return cached{}, false
	}
	hit, ok := c.items[offset]
	return hit, ok
}

// put keeps content, which must not change any more, and drops the oldest. It does not
// keep very large content, which would drop too many others.
func (c *cache) put(offset int64, t object.Type, content []byte) {
	const worth = 2 << 20
	if c == nil || len(content) > worth {
		return
	}
	if _, ok := c.items[offset]; ok {
		return
	}
	c.items[offset] = cached{t, content}
	c.order = append(c.order, offset)
	for c.room -= len(content); c.room < 0; {
		oldest := c.order[0]
		c.order = c.order[1:]
		c.room += len(c.items[oldest].content)
		delete(c.items, oldest)
	}
}

// putContent keeps content that is in memory.
func (c *cache) putContent(offset int64, content *content) {
	if m, ok := content.ReaderAt.(*delta.Memory); ok {
		c.put(offset, content.typ, m.Bytes)
	}
}

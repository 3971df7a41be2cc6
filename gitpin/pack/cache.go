package pack

import (
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/delta"
)

// baseCache is how many bytes of possible delta bases a pass keeps in memory.
const baseCache = 16 << 20

// cache keeps the last contents, by their offset in the pack. A nil cache keeps nothing.
type cache struct {
	room  int // bytes that it may still keep
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

// put keeps content, which must no longer change, and drops the oldest ones to make room.
// It does not keep a very large content, which would drop too many others.
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

// putContent keeps a content if it is in memory.
func (c *cache) putContent(offset int64, content *content) {
	if m, ok := content.ReaderAt.(*delta.Memory); ok {
		c.put(offset, content.typ, m.Bytes)
	}
}

package pack

import (
	"context"
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/zlib"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/entry"
	"gitlauncher/gitpin/pack/fault"
	"gitlauncher/internal/bounded"
)

// Write writes a pack of some of the objects of a, each whole, to w. It is for a pack that
// has more than what was pinned.
func Write(ctx context.Context, w io.Writer, a *Archive, ids []object.ID) error {
	sum := a.Format().NewChecksum()
	out := io.MultiWriter(w, sum)
	head := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(ids)))
	if _, err := out.Write(head); err != nil {
		return err
	}
	z := zlib.NewWriter(out)
	for _, id := range ids {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		e, there := a.Find(id)
		if !there {
			return fault.Bad("the object %s is gone", id)
		}
		c, err := a.open(ctx, e.Offset, nil, nil)
		if err != nil {
			return err
		}
		_, err = out.Write(entry.AppendHeader(nil, e.Type, c.size))
		if err == nil {
			z.Reset(out)
			_, err = io.Copy(bounded.Writer(ctx, z), io.NewSectionReader(c, 0, c.size))
		}
		if err == nil {
			err = z.Close()
		}
		c.close()
		if err != nil {
			return err
		}
	}
	_, err := w.Write(sum.Sum(nil))
	return err
}

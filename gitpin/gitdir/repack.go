package gitdir

import (
	"context"
	"fmt"
	"os"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/gitpin/pack/index"
)

// Source returns a pack that is in a file. It spools into the Git directory.
func (p Place) Source(file *os.File, newHasher func() *object.Hasher) pack.Source {
	return pack.Source{Keep: file, NewHasher: newHasher, Spool: func() (*os.File, error) { return Spool(p.Root, p.Dir) }}
}

// Repack replaces the pack at Incoming by one that has only these objects of a.
func (p Place) Repack(ctx context.Context, a *pack.Archive, ids []object.ID, limits pack.Limits, newHasher func() *object.Hasher) (*index.Table, error) {
	name := p.in("objects/pack/packed")
	f, err := p.Root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	packed, err := writePack(ctx, f, a, ids, p.Source(f, newHasher), limits)
	if err != nil {
		return nil, fmt.Errorf("writing a pack of only the pin: %w", err)
	}
	return packed.Table, p.Root.Rename(name, p.Incoming())
}

func writePack(ctx context.Context, f *os.File, a *pack.Archive, ids []object.ID, src pack.Source, limits pack.Limits) (*pack.Archive, error) {
	if err := pack.Write(ctx, f, a, ids); err != nil {
		return nil, err
	}
	return pack.Read(ctx, src, limits, pack.NamesOnly{})
}

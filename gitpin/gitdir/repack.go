package gitdir

import (
	"context"
	"fmt"
	"os"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/gitpin/pack/index"
)

// Source is a pack in a file below root, with the place for what reading it spools.
func Source(root *os.Root, file *os.File, newHasher func() *object.Hasher) pack.Source {
	return pack.Source{Keep: file, NewHasher: newHasher, Spool: func() (*os.File, error) { return Spool(root, ".git") }}
}

// Repack puts a pack of just these objects of a in the place of the one at Incoming.
func Repack(ctx context.Context, root *os.Root, a *pack.Archive, ids []object.ID, limits pack.Limits, newHasher func() *object.Hasher) (*index.Table, error) {
	const name = ".git/objects/pack/packed"
	f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	packed, err := writePack(ctx, f, a, ids, Source(root, f, newHasher), limits)
	if err != nil {
		return nil, fmt.Errorf("writing a pack of the pin alone: %w", err)
	}
	return packed.Table, root.Rename(name, Incoming)
}

func writePack(ctx context.Context, f *os.File, a *pack.Archive, ids []object.ID, src pack.Source, limits pack.Limits) (*pack.Archive, error) {
	if err := pack.Write(ctx, f, a, ids); err != nil {
		return nil, err
	}
	return pack.Read(ctx, src, limits, pack.NamesOnly{})
}

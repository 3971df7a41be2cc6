package proof

import (
	"bytes"
	"context"

	"gitlauncher/gitpin/lfs"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// Pointers returns the Git LFS pointers among the wanted files of a listed tree, by the
// numbers of the files. Each pointer was hashed, so it is the blob that the tree names. A blob
// that can't be read is left out, although it may be a pointer; reading the file itself will
// show its fault.
func (t *Tree) Pointers(ctx context.Context, a *pack.Archive, wanted func(i int) bool) map[int]lfs.Pointer {
	found := make(map[int]lfs.Pointer)
	for i := range t.Files {
		f := &t.Files[i]
		if f.Mode == object.ModeSymlink || f.Mode == object.ModeGitlink || !wanted(i) {
			continue
		}
		e, there := a.Find(f.ID)
		if !there || e.Type != object.Blob {
			continue
		}
		var text bytes.Buffer
		if err := a.WriteTo(ctx, e, &capped{&text, lfs.MaxPointer - 1}); err != nil {
			continue
		}
		if p, is, err := lfs.Parse(text.Bytes()); is && err == nil {
			found[i] = p
		}
	}
	return found
}

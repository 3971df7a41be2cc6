package proof

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"gitlauncher/gitpin/lfs"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/gitpin/pack/index"
	"gitlauncher/internal/parallel"
)

// Complete lists the tree and writes the files that were not written while the pack
// streamed: blobs that came before their tree, large ones, deltas of the second pass, and
// contents that are at several paths. Errors are those of [Proof.List] and of the Writer.
func (p *Proof) Complete(ctx context.Context, a *pack.Archive) (*Tree, error) {
	tree, err := p.List(ctx, a)
	if err != nil {
		return nil, err
	}
	return tree, parallel.Do(ctx, len(tree.Files), func(ctx context.Context, i int) error {
		return p.complete(ctx, a, &tree.Files[i])
	})
}

func (p *Proof) complete(ctx context.Context, a *pack.Archive, f *File) error {
	if f.Mode == object.ModeGitlink {
		return p.params.Files.Folder(f.Path)
	}
	if f.Number != NotMade {
		return nil
	}
	e, there := a.Find(f.ID)
	switch {
	case !there:
		return &MissingObjectError{f.ID, "file"}
	case e.Type != object.Blob:
		return &MismatchError{p.params.Commit, fmt.Sprintf("its file %.80q is a %s", f.Path, e.Type)}
	case f.Mode == object.ModeSymlink:
		return p.symlink(ctx, a, e, f)
	}
	return p.stream(ctx, a, e, f)
}

// write writes a content that is in memory, and sets the fields of f that follow from it.
func (p *Proof) write(f *File, content []byte) (err error) {
	f.SHA256 = SumOf(content)
	if f.Mode == object.ModeSymlink {
		if err := checkTarget(f.Path, content); err != nil {
			return err
		}
		f.Number, err = p.params.Files.Symlink(f.Path, content)
		return err
	}
	f.LFS = lfs.Looks(content)
	if err := p.charge(int64(len(content))); err != nil {
		return err
	}
	f.Number, err = p.params.Files.Write(f.Path, f.Mode, content)
	return err
}

// stream writes a blob of the kept pack to a file.
func (p *Proof) stream(ctx context.Context, a *pack.Archive, e index.Entry, f *File) (err error) {
	sum, head := NewSum(), &prefix{}
	f.Number, err = p.params.Files.Stream(f.Path, f.Mode, func(out io.Writer) error {
		return a.WriteTo(ctx, e, io.MultiWriter(charger{p}, out, sum, head))
	})
	f.SHA256, f.LFS = [sha256.Size]byte(sum.Sum(nil)), lfs.Looks(head.bytes)
	return err
}

// symlink makes a link whose target is a blob of the kept pack.
func (p *Proof) symlink(ctx context.Context, a *pack.Archive, e index.Entry, f *File) error {
	var target bytes.Buffer
	short := &capped{&target, MaxPath}
	if err := a.WriteTo(ctx, e, short); err != nil {
		if short.room < 0 { // no link can be that long
			err = checkTarget(f.Path, nil)
		}
		return err
	}
	return p.write(f, target.Bytes())
}

// checkTarget refuses what can't be the target of any symbolic link.
func checkTarget(name string, target []byte) error {
	if len(target) == 0 || len(target) > MaxPath || bytes.IndexByte(target, 0) >= 0 {
		return &object.TreeError{Name: name, Reason: "is a symbolic link whose target no link can have"}
	}
	return nil
}

// charger counts the bytes that are written to it against the proof's limit.
type charger struct{ proof *Proof }

func (c charger) Write(b []byte) (int, error) {
	if err := c.proof.charge(int64(len(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// capped is a writer that fails where more bytes come than it has room for.
type capped struct {
	w    io.Writer
	room int // negative after it failed
}

func (c *capped) Write(b []byte) (int, error) {
	if c.room -= len(b); c.room < 0 {
		return 0, io.ErrShortWrite
	}
	return c.w.Write(b)
}

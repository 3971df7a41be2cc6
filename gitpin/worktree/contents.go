package worktree

import (
	"context"
	"crypto/sha256"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"gitlauncher/gitpin/lfs"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/stored"
	"gitlauncher/gitpin/proof"
	"gitlauncher/internal/parallel"
)

// Contents requires that every file of a tree has the proven content, after Layout has
// checked the tree and returned sizes. It sets the fields of [proof.File] that follow from
// the content, and returns what Git's index keeps of each file. If packed is not nil, it
// also writes or compares the stored pack of the tree. Errors are [ErrChanged],
// [stored.ErrDiffers], and those of the disk.
//
// named has Git LFS pointers that are known to be in the tree, by the numbers of their files.
// The content of such a file is proven by the SHA-256 in its pointer alone.
func (c *Checker) Contents(ctx context.Context, tree *proof.Tree, sizes []int64, packed *Stored, named map[int]lfs.Pointer) ([]Stat, error) {
	group, gctx := errgroup.WithContext(ctx)
	var sum []byte
	early := packed != nil && packed.Pack.Compares()
	if early { // a pack that is compared is complete already
		group.Go(func() (err error) { sum, err = packed.Pack.Sum(gctx); return err })
	}
	stats := make([]Stat, len(tree.Files))
	group.Go(func() error {
		if packed != nil {
			if err := packed.putMeta(); err != nil {
				return err
			}
		}
		return parallel.Do(gctx, len(tree.Files), func(ctx context.Context, i int) error {
			if tree.Files[i].Mode == object.ModeGitlink { // Layout has checked the directory
				return nil
			}
			return c.workers.use(func(w *checkWorker) error {
				w.named = nil
				if p, is := named[i]; is {
					w.named = &p
				}
				return w.file(ctx, &tree.Files[i], sizes[i], w.putter(packed, i), &stats[i])
			})
		})
	})
	err := group.Wait()
	if err != nil || packed == nil {
		return stats, err
	}
	if !early {
		if sum, err = packed.Pack.Sum(ctx); err != nil {
			return nil, err
		}
	}
	return stats, packed.Pack.Finish(sum)
}

// File requires that there is a plain file with that content at that path. Errors are
// [ErrChanged] and those of the disk.
func (c *Checker) File(ctx context.Context, path, content string) error {
	return c.workers.use(func(w *checkWorker) error {
		w.named = nil
		id, err := w.hasher.Sum(object.Blob, []byte(content))
		if err != nil {
			return err
		}
		f := proof.File{Path: path, Mode: object.ModeFile, ID: id}
		return w.file(ctx, &f, int64(len(content)), nil, new(Stat))
	})
}

// file checks one file, whose kind and size Layout has read.
func (w *checkWorker) file(ctx context.Context, f *proof.File, size int64, put *stored.Putter, stat *Stat) error {
	dir, name := splitPath(f.Path)
	fd, err := w.dirs.at(dir)
	if err != nil {
		return diskError(f.Path, err)
	}
	if f.Mode == object.ModeSymlink {
		return w.link(fd, name, f, size, put, stat)
	}
	return w.regular(ctx, fd, name, f, size, put, stat)
}

// putter begins the blob of file i in a pack. It returns nil if there is no pack, or if an
// earlier file has the same blob.
func (w *checkWorker) putter(to *Stored, i int) *stored.Putter {
	if to == nil || to.at[i] < 0 {
		return nil
	}
	if w.put == nil {
		w.put = to.Pack.Putter()
	}
	w.put.Begin(to.at[i])
	return w.put
}

func (w *checkWorker) regular(ctx context.Context, at int, name string, f *proof.File, size int64, put *stored.Putter, stat *Stat) error {
	fd, err := openat(at, name, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return diskError(f.Path, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return diskError(f.Path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink != 1 || st.Size != size || hasAttributes(fd, w.block, false) {
		return wrong(f.Path, "is not a plain file of its own")
	}
	if err := w.checker.owned(f.Path, &st, permissions(f.Mode)); err != nil {
		return err
	}
	if err := w.hash(ctx, fd, f, size, put); err != nil {
		return err
	}
	touch := w.checker.touch
	if f.Placed {
		touch = func(at int, name string) error {
			return setTime(at, name, w.checker.params.Now.UnixNano()-older)
		}
	}
	if err := touch(at, name); err != nil {
		return diskError(f.Path, err)
	}
	if err := unix.Fstat(fd, &st); err != nil {
		return diskError(f.Path, err)
	}
	if st.Size != size {
		return wrong(f.Path, "changes while it is read")
	}
	*stat = statOf(&st)
	return nil
}

// hash reads a file of the given size, block by block. It requires that the file is the
// proven blob or, if the blob is a Git LFS pointer, the content that the pointer names.
func (w *checkWorker) hash(ctx context.Context, fd int, f *proof.File, size int64, put *stored.Putter) error {
	w.sum.Reset()
	if w.named == nil {
		w.hasher.Begin(object.Blob, size)
	}
	for left := size; ; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		b := w.block[:min(left, stored.BlockSize)]
		if err := readFull(fd, b); err != nil {
			return diskError(f.Path, err)
		}
		if left == size {
			f.LFS = lfs.Looks(b)
		}
		if w.named == nil {
			w.hasher.Write(b)
		}
		w.sum.Write(b)
		if put != nil {
			if err := put.Block(b); err != nil {
				return err
			}
		}
		if left -= int64(len(b)); left == 0 {
			break
		}
	}
	f.SHA256 = [sha256.Size]byte(w.sum.Sum(nil))
	if w.named != nil {
		if *w.named != (lfs.Pointer{SHA256: f.SHA256, Size: size}) {
			return wrong(f.Path, "is not the content that its Git LFS pointer names")
		}
		f.LFS, f.Placed, f.Size = false, true, size
		return nil
	}
	id, err := w.hasher.ID()
	switch {
	case err == nil && id == f.ID && f.LFS && w.checker.params.LFS && size < lfs.MaxPointer:
		return wrong(f.Path, "is a Git LFS pointer, whose content is wanted")
	case err == nil && id == f.ID:
		return nil
	case w.checker.params.LFS && w.placed(f, size):
		return nil
	}
	return wrong(f.Path, "has other content")
}

// placed reports whether the bytes that were hashed are the content that the file's blob, a
// Git LFS pointer, names. A pointer has one form, so it can be computed from the content.
func (w *checkWorker) placed(f *proof.File, size int64) bool {
	pointer := lfs.Pointer{SHA256: f.SHA256, Size: size}
	if id, err := w.hasher.Sum(object.Blob, pointer.Bytes()); err != nil || id != f.ID {
		return false
	}
	f.LFS, f.Placed, f.Size = false, true, size
	return true
}

// readFull fills b from a file. If the file ends early, the error is ENOENT, which
// diskError classifies as a change.
func readFull(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Read(fd, b)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n == 0:
			return unix.ENOENT
		default:
			b = b[n:]
		}
	}
	return nil
}

func (w *checkWorker) link(at int, name string, f *proof.File, size int64, put *stored.Putter, stat *Stat) error {
	n, err := unix.Readlinkat(at, name, w.block)
	if err != nil {
		return diskError(f.Path, err)
	}
	target := w.block[:n]
	if id, err := w.hasher.Sum(object.Blob, target); err != nil || id != f.ID || int64(n) != size {
		return wrong(f.Path, "leads elsewhere")
	}
	if put != nil {
		if err := put.Block(target); err != nil {
			return err
		}
	}
	if err := w.checker.touch(at, name); err != nil {
		return diskError(f.Path, err)
	}
	var st unix.Stat_t
	if err := fstatat(at, name, &st); err != nil {
		return diskError(f.Path, err)
	}
	f.SHA256, *stat = proof.SumOf(target), statOf(&st)
	return nil
}

package clonehash

import (
	"crypto/sha256"
	"fmt"
	"io"
	"path"
	"slices"

	"gitlauncher/gitpin/lfs"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/submodule"
	"gitlauncher/measure"
)

// maxDepth bounds submodules in submodules, as the launcher does (doc/limits.md).
const maxDepth = 16

// walk adds a commit's files to the listings, in their order.
type walk struct {
	clone   *Clone
	beyond  measure.Beyond
	listing *measure.Listing
	lfs     *measure.LFSListing
	digests *Digests
}

// commit walks a commit whose files lie below dir, and returns its tree.
func (w *walk) commit(from *store, id object.ID, dir string, depth int) (tree object.ID, err error) {
	data, err := from.read(id, object.Commit)
	if err != nil {
		return object.ID{}, err
	}
	info, err := object.ParseCommit(id.Format(), data)
	if err != nil {
		return object.ID{}, err
	}
	root, err := w.entries(from, info.Tree)
	if err != nil {
		return object.ID{}, err
	}
	var left map[string]bool
	for _, e := range root {
		if e.Name == ".gitmodules" && (e.Mode == object.ModeFile || e.Mode == object.ModeExec) {
			if left, err = w.leftOut(from, e.ID); err != nil {
				return object.ID{}, err
			}
		}
	}
	in := &repository{from, dir, left, depth}
	return info.Tree, w.tree(in, root, "")
}

// repository is the repository whose tree is walked.
type repository struct {
	store *store
	dir   string          // of its files
	left  map[string]bool // submodules that git leaves out
	depth int
}

// leftOut returns the submodules that .gitmodules leaves out. One that can't be read
// leaves out none: no launcher places submodules by it.
func (w *walk) leftOut(from *store, id object.ID) (map[string]bool, error) {
	text := &prefix{room: submodule.MaxSize + 1}
	if err := from.blob(id, text); err != nil {
		return nil, err
	}
	return submodule.LeftOut(text.b), nil
}

// prefix keeps the first bytes that are written to it.
type prefix struct {
	b    []byte
	room int
}

func (p *prefix) Write(b []byte) (int, error) {
	n := min(len(b), p.room)
	p.b, p.room = append(p.b, b[:n]...), p.room-n
	return len(b), nil
}

func (w *walk) entries(from *store, id object.ID) ([]object.Entry, error) {
	data, err := from.read(id, object.Tree)
	if err != nil {
		return nil, err
	}
	entries, err := object.ParseTree(id.Format(), data)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", id, err)
	}
	if w.clone.left -= len(entries); w.clone.left < 0 {
		return nil, fmt.Errorf("the commit has more than %d files and folders, which no launcher takes by default", maxEntries)
	}
	return entries, nil
}

// tree adds a tree's files in the order of git ls-tree -r.
func (w *walk) tree(in *repository, entries []object.Entry, dir string) error {
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		at := path.Join(in.dir, name)
		switch e.Mode {
		case object.ModeDir:
			below, err := w.entries(in.store, e.ID)
			if err != nil {
				return err
			}
			if err := w.tree(in, below, name); err != nil {
				return err
			}
		case object.ModeGitlink:
			w.listing.AddGitlink(uint32(e.Mode), e.ID.String(), at)
			if in.left[name] || !w.beyond.Recursive && !slices.Contains(w.beyond.Submodules, measure.Submodule{Commit: e.ID.String(), Path: at}) {
				continue
			}
			if err := w.submodule(e.ID, at, in.depth+1); err != nil {
				return err
			}
		default:
			sum, err := w.file(in.store, e, at)
			if err != nil {
				return err
			}
			w.digests.files[at] = sum
			w.listing.AddFile(uint32(e.Mode), sum, at)
		}
	}
	return nil
}

// submodule walks a submodule's commit, whichever submodule's objects it is among: an
// id says what it names, and the name of a Git directory says nothing.
func (w *walk) submodule(id object.ID, at string, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("submodule %s: lies in %d others, and no launcher places it", at, maxDepth)
	}
	stores, err := w.clone.modules()
	if err != nil {
		return err
	}
	for _, s := range stores {
		if !s.has(id) {
			continue
		}
		w.digests.Submodules = append(w.digests.Submodules, measure.Submodule{Commit: id.String(), Path: at})
		_, err := w.commit(s, id, at, depth)
		return err
	}
	return &MissingError{at, id}
}

// blob is what is kept of a blob that was read.
type blob struct {
	sum  [sha256.Size]byte
	head []byte // of one that begins like a Git LFS pointer
}

// file returns the SHA-256 of what a launch places for a file. For a Git LFS file that is
// the content's, which the pointer names.
func (w *walk) file(from *store, e object.Entry, at string) ([sha256.Size]byte, error) {
	b, err := w.blob(from, e.ID)
	if err != nil || !w.beyond.LFS || e.Mode == object.ModeSymlink {
		return b.sum, err
	}
	pointer, is, err := lfs.Parse(b.head)
	switch {
	case err != nil:
		return b.sum, fmt.Errorf("%.200q %w", at, err) // and no launcher places it
	case !is:
		return b.sum, nil
	}
	w.lfs.Add(pointer.SHA256, pointer.Size, at)
	return pointer.SHA256, nil
}

func (w *walk) blob(from *store, id object.ID) (blob, error) {
	if b, known := w.clone.blobs[id]; known {
		return b, nil
	}
	content, head := sha256.New(), &prefix{room: lfs.MaxPointer}
	if err := from.blob(id, io.MultiWriter(content, head)); err != nil {
		return blob{}, err
	}
	b := blob{sum: [sha256.Size]byte(content.Sum(nil))}
	if lfs.Looks(head.b) {
		b.head = head.b
	}
	w.clone.blobs[id] = b
	return b, nil
}

package pack

import (
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/fault"
)

// The errors of reading a pack.
type (
	Error      = fault.Error
	LimitError = fault.LimitError
)

// Bounds that a user can't set.
const (
	maxObjects = 10 << 20  // entries of one pack, whatever Limits.Files allows; each costs memory (package index)
	maxMeta    = 128 << 20 // bytes of one commit, tree or tag; a tree of a million entries has 40 MiB
	minMeta    = 1 << 20   // the same, however few files are allowed
	maxEntry   = 300       // bytes of one entry of a tree: mode, name (255 at most) and id
	withMore   = 16        // times the tree, for a pack with more than one commit
	largeBlob  = 4 << 20   // bytes above which a blob is never in memory as a whole
)

// Limits bound what a pack may cost. Zero means zero.
type Limits struct {
	Pack  int64 // bytes of the pack
	Tree  int64 // bytes of the files that are wanted from it
	Files int   // entries of the trees that are wanted from it
	Alone bool  // the pack should have one commit and no history
}

// times returns how many times the wanted tree a pack may have. It may have history, and a
// server may send more than was asked for.
func (l Limits) times() int64 {
	if l.Alone {
		return 1
	}
	return withMore
}

// objects returns how many objects a pack may have: a commit, a tree for the root and one
// object for each entry.
func (l Limits) objects() int64 { return min(l.times()*(int64(l.Files)+2), maxObjects) }

// inflated returns how many bytes all objects may have together. Files are counted again
// when they are written.
func (l Limits) inflated() int64 {
	const most = 1 << 50
	return l.times() * (min(l.Tree, most) + l.meta())
}

// meta returns how many bytes a commit, a tree or a tag may have.
func (l Limits) meta() int64 {
	return max(minMeta, min(maxMeta, int64(l.Files)*maxEntry))
}

// check checks the size of one object against the limits. A blob may be as large as all
// files together.
func (l Limits) check(t object.Type, size int64) error {
	if t != object.Blob {
		return l.checkMeta(size)
	}
	if size > l.Tree {
		return l.tooMuch()
	}
	return nil
}

func (l Limits) checkMeta(size int64) error {
	if size > l.meta() {
		return &LimitError{What: "object size", Limit: l.meta()}
	}
	return nil
}

func (l Limits) tooMuch() error { return &LimitError{What: "tree", Limit: l.Tree} }

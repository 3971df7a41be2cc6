package proof

import (
	"crypto/sha256"

	"gitlauncher/gitpin/lfs"
	"gitlauncher/gitpin/object"
)

// File is one file of the proven tree.
type File struct {
	Path   string // raw bytes, slash-separated
	Mode   object.Mode
	ID     object.ID
	SHA256 [sha256.Size]byte // of the bytes that are there; zero for a gitlink
	LFS    bool              // the blob begins like a Git LFS pointer, and is what is there
	Placed bool              // what is there is the content that the blob, a Git LFS pointer, names
	Number int32             // what the Writer calls it; NotMade where nothing was written
	Size   int64             // of the content, where it is Placed
}

// NotMade is the Number of a file that no Writer made.
const NotMade = -1

// Folder is one directory of the proven tree.
type Folder struct {
	Path    string
	Tree    object.ID
	Gitlink bool     // a submodule's; Tree is zero
	Placed  bool     // the submodule is placed here, and is a tree of its own; else it stays empty
	Empty   bool     // no file in it and below it, so that Git makes none; never the root
	Names   []string // in it, sorted, without those of Empty folders; nil where files are written
	Files   []int    // in it, as they are numbered in Tree.Files
}

// Tree is a proven tree, all of it.
type Tree struct {
	Commit  object.ID
	Root    object.ID
	Parents []object.ID    // of the commit
	Entries []object.Entry // of the root
	Files   []File         // in the order of `git ls-tree -r`
	Folders []Folder       // depth first, the root first of all
	Seen    int            // entries, directories included, as MaxFiles counts them

	// Faults are some that git-fsck(1) finds with the commit and its trees, in its own
	// words. Git checks them out nevertheless.
	Faults []string

	proof *Proof
}

// Content is that of the commit or of one of the trees; nil where files are written.
func (t *Tree) Content(id object.ID) []byte { return t.proof.contents[id] }

// MaxPath is the longest path that Linux opens, in bytes, without its NUL.
const MaxPath = 4095

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// prefix keeps the first bytes that are written to it, as many as lfs.Looks wants.
type prefix struct{ bytes []byte }

func (p *prefix) Write(b []byte) (int, error) {
	if room := lfs.HeadSize - len(p.bytes); room > 0 {
		p.bytes = append(p.bytes, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

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
	SHA256 [sha256.Size]byte // of the file's bytes; zero for a gitlink
	LFS    bool              // the file is its blob, which begins like a Git LFS pointer
	Placed bool              // the file is the content that its blob, a Git LFS pointer, names
	Number int32             // the Writer's number for it; NotMade if it made none
	Size   int64             // of the content in bytes, if it is Placed
}

// NotMade is the Number of a file that no Writer made.
const NotMade = -1

// Folder is one directory of the proven tree.
type Folder struct {
	Path    string
	Tree    object.ID
	Gitlink bool     // it is a submodule's, and Tree is zero
	Placed  bool     // the submodule is placed here as a tree of its own; otherwise the folder stays empty
	Empty   bool     // no file is in it or below it, so that Git does not make it; never the root
	Names   []string // in it, sorted, without Empty folders; nil if files are written
	Files   []int    // in it, by their index in Tree.Files
}

// Tree is a whole proven tree.
type Tree struct {
	Commit  object.ID
	Root    object.ID
	Parents []object.ID    // of the commit
	Entries []object.Entry // of the root
	Files   []File         // in the order of `git ls-tree -r`
	Folders []Folder       // depth first, beginning with the root
	Seen    int            // entries with directories, as Params.MaxFiles counts them

	// Faults are some of the faults that git-fsck(1) finds in the commit and its trees, by
	// its own names. Git checks them out nevertheless.
	Faults []string

	proof *Proof
}

// Content returns the content of the commit or of one of the trees; nil if files are
// written.
func (t *Tree) Content(id object.ID) []byte { return t.proof.contents[id] }

// MaxPath is the longest path that Linux opens, in bytes, without its NUL.
const MaxPath = 4095

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// prefix keeps the first bytes that are written to it, as many as [lfs.Looks] needs.
type prefix struct{ bytes []byte }

func (p *prefix) Write(b []byte) (int, error) {
	if room := lfs.HeadSize - len(p.bytes); room > 0 {
		p.bytes = append(p.bytes, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

package clonehash

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"gitlauncher/gitpin/object"
	"gitlauncher/measure"
)

// Clone is a local clone. It must be closed.
type Clone struct {
	git        string // its .git
	store      *store
	submodules []*store           // nil until modules has opened them
	left       int                // entries that may still be walked
	blobs      map[object.ID]blob // that were read: one blob can be many files
}

// maxEntries bounds a commit's files and folders, as the launcher does by default: trees
// can name each other more often than anyone can walk.
const maxEntries = 2_000_000

// NotCloneError says why a folder can't be read as a clone.
type NotCloneError struct{ Dir, Reason string }

func (e *NotCloneError) Error() string { return e.Dir + " " + e.Reason }

// Open opens the clone in a folder, or the bare repository that the folder is. The
// error is a [*NotCloneError], or says what is wrong inside the clone.
func Open(dir string) (*Clone, error) {
	git := filepath.Join(dir, ".git")
	info, err := os.Stat(git)
	switch {
	case err == nil && !info.IsDir():
		return nil, &NotCloneError{dir, "is a linked work tree or a submodule; give a clone of its own"}
	case err != nil:
		git = dir // a bare one
	}
	if _, err := os.Stat(filepath.Join(git, "objects")); err != nil {
		return nil, &NotCloneError{dir, "is not a clone of a Git repository"}
	}
	format, err := formatOf(git)
	if err != nil {
		return nil, fmt.Errorf("the clone %s: %w", dir, err)
	}
	objects, err := openStore(filepath.Join(git, "objects"), format)
	if err != nil {
		return nil, fmt.Errorf("the clone %s: %w", dir, err)
	}
	return &Clone{git: git, store: objects, left: maxEntries, blobs: make(map[object.ID]blob)}, nil
}

// Close closes the clone's files.
func (c *Clone) Close() {
	c.store.close()
	for _, s := range c.submodules {
		s.close()
	}
}

// Head returns the commit that HEAD means.
func (c *Clone) Head() (object.ID, error) { return head(c.git) }

// Digests is what a launch record says of a commit.
type Digests struct {
	Commit, Tree  object.ID
	ContentSHA256 string              // lowercase hex
	Submodules    []measure.Submodule // that the content covers, in the order of the listing
	LFSSHA256     string              // of the listing of Git LFS files that it covers; empty without any
	files         map[string][sha256.Size]byte
}

// FileSHA256 returns the SHA-256 of a file, by its path in the tree, as lowercase hex.
func (d *Digests) FileSHA256(name string) (string, error) {
	sum, ok := d.files[path.Clean(name)]
	if !ok {
		return "", fmt.Errorf("the clone has no file %s", name)
	}
	return hex.EncodeToString(sum[:]), nil
}

// Digests computes what a launch record says of a commit and what is placed beyond it.
// The result lists only submodules that the commit pins, at the commits that it names.
// The error is a [*MissingError] if the clone lacks one of them.
func (c *Clone) Digests(id object.ID, beyond measure.Beyond) (*Digests, error) {
	w := &walk{clone: c, beyond: beyond, listing: measure.NewListing(), lfs: measure.NewLFSListing(), digests: &Digests{Commit: id, files: make(map[string][sha256.Size]byte)}}
	var err error
	if w.digests.Tree, err = w.commit(c.store, id, "", 0); err != nil {
		return nil, err
	}
	w.digests.ContentSHA256, w.digests.LFSSHA256 = w.listing.Sum(), w.lfs.Sum()
	return w.digests, nil
}

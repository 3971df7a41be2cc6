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
	git   string // its .git
	store *store
	left  int                             // entries that may still be walked
	blobs map[object.ID][sha256.Size]byte // that were read: one blob can be many files
}

// maxEntries bounds a commit's files and folders, as the launcher does by default: trees
// can name each other more often than anyone can walk.
const maxEntries = 2_000_000

// NotCloneError is a folder that is no clone that can be read.
type NotCloneError struct{ Dir, Reason string }

func (e *NotCloneError) Error() string { return e.Dir + " " + e.Reason }

// Open opens the clone in a folder, or the bare repository that the folder is. The error
// is a *[NotCloneError], or about what the clone holds.
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
	return &Clone{git, objects, maxEntries, make(map[object.ID][sha256.Size]byte)}, nil
}

// Close lets go of the clone's files.
func (c *Clone) Close() { c.store.close() }

// Head returns the commit that HEAD means.
func (c *Clone) Head() (object.ID, error) { return head(c.git) }

// Digests is what a launch record says of a commit.
type Digests struct {
	Commit, Tree  object.ID
	ContentSHA256 string // lowercase hex
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

// Digests computes what a launch record says of a commit.
func (c *Clone) Digests(id object.ID) (*Digests, error) {
	data, err := c.store.read(id, object.Commit)
	if err != nil {
		return nil, err
	}
	commit, err := object.ParseCommit(id.Format(), data)
	if err != nil {
		return nil, err
	}
	sums := make(map[string][sha256.Size]byte)
	listing := measure.NewListing()
	if err := c.walk(commit.Tree, "", listing, sums); err != nil {
		return nil, err
	}
	return &Digests{Commit: id, Tree: commit.Tree, ContentSHA256: listing.Sum(), files: sums}, nil
}

// walk adds a tree's files in the order of git ls-tree -r.
func (c *Clone) walk(id object.ID, dir string, listing *measure.Listing, sums map[string][sha256.Size]byte) error {
	data, err := c.store.read(id, object.Tree)
	if err != nil {
		return err
	}
	entries, err := object.ParseTree(id.Format(), data)
	if err != nil {
		return fmt.Errorf("tree %s: %w", id, err)
	}
	if c.left -= len(entries); c.left < 0 {
		return fmt.Errorf("the commit has more than %d files and folders, which no launcher takes by default", maxEntries)
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name)
		switch e.Mode {
		case object.ModeDir:
			if err := c.walk(e.ID, name, listing, sums); err != nil {
				return err
			}
		case object.ModeGitlink:
			listing.AddGitlink(uint32(e.Mode), e.ID.String(), name)
		default:
			sum, known := c.blobs[e.ID]
			if !known {
				content := sha256.New()
				if err := c.store.blob(e.ID, content); err != nil {
					return err
				}
				sum = [sha256.Size]byte(content.Sum(nil))
				c.blobs[e.ID] = sum
			}
			sums[name] = sum
			listing.AddFile(uint32(e.Mode), sum, name)
		}
	}
	return nil
}

package gitpin

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/proof"
	"gitlauncher/gitpin/workdir"
	"gitlauncher/measure"
)

// Checkout is a proven WORK_DIR. The lock is held until Close or exec.
type Checkout struct {
	Tree       object.ID
	Files      []proof.File // of the pinned commit alone, in the order of `git ls-tree -r`
	Submodules []Submodule  // that were placed, in the order of the listing
	Fetched    bool         // whether the network was used

	dir *workdir.Dir
}

// Submodule is one that was placed.
type Submodule struct {
	Path         string // below WORK_DIR
	Commit, Tree object.ID
	Files        []proof.File // as those of a Checkout; their paths are below Path

	entries int // of its tree
}

// Close lets go of WORK_DIR.
func (c *Checkout) Close() { c.dir.Close() }

// All are the files of the checkout by their paths below WORK_DIR, in the order of the
// listing: those of a submodule behind its own entry.
func (c *Checkout) All() iter.Seq2[string, proof.File] {
	return func(yield func(string, proof.File) bool) {
		rest := c.Submodules
		var walk func(dir string, files []proof.File) bool
		walk = func(dir string, files []proof.File) bool {
			for _, f := range files {
				path := joined(dir, f.Path)
				if !yield(path, f) {
					return false
				}
				if len(rest) > 0 && rest[0].Path == path && f.Mode == object.ModeGitlink {
					sub := rest[0]
					rest = rest[1:]
					if !walk(path, sub.Files) {
						return false
					}
				}
			}
			return true
		}
		walk("", c.Files)
	}
}

// placed reports whether a submodule is at a path.
func (c *Checkout) placed(path string) bool {
	return slices.ContainsFunc(c.Submodules, func(s Submodule) bool { return s.Path == path })
}

// ContentSHA256 is the digest of the listing of all files ([measure.Listing]), hex.
func (c *Checkout) ContentSHA256() string {
	l := measure.NewListing()
	for path, f := range c.All() {
		if f.Mode == object.ModeGitlink {
			l.AddGitlink(uint32(f.Mode), f.ID.String(), path)
		} else {
			l.AddFile(uint32(f.Mode), f.SHA256, path)
		}
	}
	return l.Sum()
}

// LFSSHA256 is the digest of the listing of the Git LFS files whose contents were placed
// ([measure.LFSListing]), hex; empty without any.
func (c *Checkout) LFSSHA256() string {
	l := measure.NewLFSListing()
	for path, f := range c.All() {
		if f.Placed {
			l.Add(f.SHA256, f.Size, path)
		}
	}
	return l.Sum()
}

// Lookup returns the file at a path, which has no "." or ".." in it.
func (c *Checkout) Lookup(p string) (proof.File, bool) {
	for path, f := range c.All() {
		if path == p {
			return f, true
		}
	}
	return proof.File{}, false
}

// EntryError is an entry script or a target directory that the pinned tree does
// not have as it must: a real file, a real directory, no symbolic link anywhere.
type EntryError struct{ Path, Reason string }

func (e *EntryError) Error() string { return fmt.Sprintf("%.200q %s", e.Path, e.Reason) }

// Script returns the regular file at a path of the pinned tree, or an *EntryError.
func (c *Checkout) Script(p string) (proof.File, error) {
	f, ok := c.Lookup(p)
	switch {
	case !ok:
		return proof.File{}, &EntryError{p, c.whyMissing(p)}
	case f.Mode == object.ModeSymlink:
		return proof.File{}, &EntryError{p, "is a symbolic link; the entry script must be a regular file of the pinned tree"}
	case f.Mode == object.ModeGitlink && c.placed(p):
		return proof.File{}, &EntryError{p, "is a submodule, and so a directory"}
	case f.Mode == object.ModeGitlink:
		return proof.File{}, &EntryError{p, "is a submodule, which is not fetched; " + hintSubmodules}
	case f.LFS:
		return proof.File{}, &EntryError{p, "is a Git LFS pointer; its content is not in the repository and is not fetched; LFS=fetch fetches it"}
	}
	return f, nil
}

// Directory requires a directory of the pinned tree; "" is its root.
func (c *Checkout) Directory(p string) error {
	if p == "" {
		return nil
	}
	for path := range c.All() {
		if strings.HasPrefix(path, p+"/") {
			return nil
		}
	}
	if f, ok := c.Lookup(p); ok {
		switch {
		case c.placed(p): // without a file in it
			return nil
		case f.Mode == object.ModeGitlink:
			return &EntryError{p, "is a submodule, which is not fetched; " + hintSubmodules}
		}
		return &EntryError{p, "is not a directory of the pinned tree"}
	}
	return &EntryError{p, c.whyMissing(p)}
}

// whyMissing says what stands where a path leads.
func (c *Checkout) whyMissing(p string) string {
	for path, f := range c.All() {
		switch {
		case strings.HasPrefix(path, p+"/"):
			return "is a directory in the pinned tree"
		case f.Mode == object.ModeSymlink && strings.HasPrefix(p, path+"/"):
			return fmt.Sprintf("leads through the symbolic link %.200q, which is not followed", path)
		case f.Mode == object.ModeGitlink && strings.HasPrefix(p, path+"/") && !c.placed(path):
			return fmt.Sprintf("lies in the submodule %.200q, which is not fetched; %s", path, hintSubmodules)
		}
	}
	return "is not in the pinned tree"
}

// hintSubmodules says what is there to do about a submodule that was not placed.
const hintSubmodules = "SUBMODULES=recursive fetches those that .gitmodules does not leave out"

// NotFetched counts the submodules and the Git LFS pointers of the tree, whose
// contents are not in it.
func (c *Checkout) NotFetched() (submodules, lfs int) {
	for path, f := range c.All() {
		switch {
		case f.Mode == object.ModeGitlink && !c.placed(path):
			submodules++
		case f.LFS:
			lfs++
		}
	}
	return submodules, lfs
}

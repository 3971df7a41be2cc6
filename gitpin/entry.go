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

// Checkout is a proven WORK_DIR. It has the lock until Close or exec.
type Checkout struct {
	Tree       object.ID
	Files      []proof.File // of the pinned commit only, in the order of `git ls-tree -r`
	Submodules []Submodule  // those that were placed, in the order of the listing
	Fetched    bool         // whether the network was used

	dir *workdir.Dir
}

// Submodule is a submodule that was placed.
type Submodule struct {
	Path         string // below WORK_DIR
	Commit, Tree object.ID
	Files        []proof.File // as in a Checkout, with paths below Path

	entries int // of its tree
}

// Close releases the lock of WORK_DIR.
func (c *Checkout) Close() { c.dir.Close() }

// All iterates over the files of the checkout, with their paths below WORK_DIR, in the order
// of the listing: the files of a submodule follow its own entry.
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

// ContentSHA256 returns the digest of the listing of all files ([measure.Listing]) in hex.
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

// LFSSHA256 returns the digest of the listing of the Git LFS files whose contents were
// placed ([measure.LFSListing]) in hex, or "" if there are none.
func (c *Checkout) LFSSHA256() string {
	l := measure.NewLFSListing()
	for path, f := range c.All() {
		if f.Placed {
			l.Add(f.SHA256, f.Size, path)
		}
	}
	return l.Sum()
}

// Lookup returns the file at a path, in which there is no "." or "..".
func (c *Checkout) Lookup(p string) (proof.File, bool) {
	for path, f := range c.All() {
		if path == p {
			return f, true
		}
	}
	return proof.File{}, false
}

// EntryError says why a path of the pinned tree can't be the entry script or the target
// directory. It must be a real file or directory, without a symbolic link on the way.
type EntryError struct{ Path, Reason string }

func (e *EntryError) Error() string { return fmt.Sprintf("%.200q %s", e.Path, e.Reason) }

// Script returns the regular file at a path of the pinned tree. The error is an
// *[EntryError].
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

// Directory requires a directory of the pinned tree; "" is the root. The error is an
// *[EntryError].
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
		case c.placed(p): // a submodule without files
			return nil
		case f.Mode == object.ModeGitlink:
			return &EntryError{p, "is a submodule, which is not fetched; " + hintSubmodules}
		}
		return &EntryError{p, "is not a directory of the pinned tree"}
	}
	return &EntryError{p, c.whyMissing(p)}
}

// whyMissing says why the pinned tree has no file at a path.
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

// hintSubmodules says what to do about a submodule that was not placed.
const hintSubmodules = "SUBMODULES=recursive fetches those that .gitmodules does not leave out"

// NotFetched counts the submodules and the Git LFS pointers whose contents were not placed.
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

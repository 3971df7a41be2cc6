package gitpin

import (
	"fmt"
	"strings"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/proof"
	"gitlauncher/gitpin/workdir"
	"gitlauncher/measure"
)

// Checkout is a proven WORK_DIR. The lock is held until Close or exec.
type Checkout struct {
	Tree    object.ID
	Files   []proof.File // in the order of `git ls-tree -r`
	Fetched bool         // whether the network was used

	dir *workdir.Dir
}

// Close lets go of WORK_DIR.
func (c *Checkout) Close() { c.dir.Close() }

// ContentSHA256 is the digest of the listing of all files ([measure.Listing]), hex.
func (c *Checkout) ContentSHA256() string {
	l := measure.NewListing()
	for _, f := range c.Files {
		if f.Mode == object.ModeGitlink {
			l.AddGitlink(uint32(f.Mode), f.ID.String(), f.Path)
		} else {
			l.AddFile(uint32(f.Mode), f.SHA256, f.Path)
		}
	}
	return l.Sum()
}

// Lookup returns the file at a path, which has no "." or ".." in it.
func (c *Checkout) Lookup(p string) (proof.File, bool) {
	for _, f := range c.Files {
		if f.Path == p {
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
	case f.Mode == object.ModeGitlink:
		return proof.File{}, &EntryError{p, "is a submodule, which is not fetched"}
	case f.LFS:
		return proof.File{}, &EntryError{p, "is a Git LFS pointer; its content is not in the repository and is not fetched"}
	}
	return f, nil
}

// Directory requires a directory of the pinned tree; "" is its root.
func (c *Checkout) Directory(p string) error {
	if p == "" {
		return nil
	}
	for _, f := range c.Files {
		if strings.HasPrefix(f.Path, p+"/") {
			return nil
		}
	}
	if f, ok := c.Lookup(p); ok {
		if f.Mode == object.ModeGitlink {
			return &EntryError{p, "is a submodule, which is not fetched"}
		}
		return &EntryError{p, "is not a directory of the pinned tree"}
	}
	return &EntryError{p, c.whyMissing(p)}
}

// whyMissing says what stands where a path leads.
func (c *Checkout) whyMissing(p string) string {
	for _, f := range c.Files {
		switch {
		case strings.HasPrefix(f.Path, p+"/"):
			return "is a directory in the pinned tree"
		case f.Mode == object.ModeSymlink && strings.HasPrefix(p, f.Path+"/"):
			return fmt.Sprintf("leads through the symbolic link %.200q, which is not followed", f.Path)
		case f.Mode == object.ModeGitlink && strings.HasPrefix(p, f.Path+"/"):
			return fmt.Sprintf("lies in the submodule %.200q, which is not fetched", f.Path)
		}
	}
	return "is not in the pinned tree"
}

// NotFetched counts the submodules and the Git LFS pointers of the tree, whose
// contents are not in it.
func (c *Checkout) NotFetched() (submodules, lfs int) {
	for _, f := range c.Files {
		switch {
		case f.Mode == object.ModeGitlink:
			submodules++
		case f.LFS:
			lfs++
		}
	}
	return submodules, lfs
}

package gitdir

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack/index"
	"gitlauncher/gitpin/proof"
	"gitlauncher/gitpin/submodule"
	"gitlauncher/gitpin/worktree"
)

// Place is where a Git directory is made.
type Place struct {
	Root *os.Root // of the checkout
	Dir  string   // below Root: .git, or that of a submodule
}

// Dir is the Git directory of a checkout. Submodules have theirs below it ([ModuleDir]), as
// in Git, so that one exchange of names puts all in place.
const Dir = ".git"

// ModuleDir returns the Git directory of a submodule with that name. above is the Git
// directory of the repository that it belongs to.
func ModuleDir(above, name string) string { return path.Join(above, "modules", name) }

// Incoming returns the path of the pack below Root, until Write renames it.
func (p Place) Incoming() string { return p.in("objects/pack/incoming") }

// dirs are the directories that git needs to see a repository.
var dirs = []string{"objects/pack", "objects/info", "refs/heads", "refs/tags", "info"}

// in returns the path below Root of a name in the Git directory.
func (p Place) in(name string) string { return path.Join(p.Dir, name) }

// Make makes the directories of the Git directory.
func (p Place) Make() error {
	for _, dir := range dirs {
		if err := p.Root.MkdirAll(p.in(dir), 0o755); err != nil {
			return fmt.Errorf("making %s: %w", p.Dir, err)
		}
	}
	return nil
}

// Contents is what a Git directory is made from.
type Contents struct {
	Origin  string // the repository's URL, which has no credential (config.RepoURL)
	Tree    *proof.Tree
	Stats   []worktree.Stat // of Tree.Files
	Pack    *index.Table    // of the pack at Incoming
	Shallow bool            // the pack does not have the commit's parents
	Tags    map[string]object.ID
	Exclude string // the content of info/exclude
	Modules []submodule.Link
	Path    string // of a submodule's files, below Root; empty for the checkout itself
	Moved   bool   // the files will be moved one by one, which changes the ctime in their Stats
}

// Write writes all files of the Git directory, and renames the pack.
func (p Place) Write(c Contents) error {
	packed := "objects/pack/pack-" + hex.EncodeToString(c.Pack.Checksum)
	put := func(name, content string) error { return p.Root.WriteFile(p.in(name), []byte(content), 0o644) }
	steps := []func() error{
		func() error { return p.Root.Rename(p.Incoming(), p.in(packed+".pack")) },
		func() error { return put("HEAD", c.Tree.Commit.String()+"\n") },
		func() error { return put("config", p.configOf(c)) },
		func() error { return put("info/exclude", c.Exclude) },
		func() error { return p.create(packed+".idx", 0o444, c.Pack.WriteIndex) },
		func() error {
			return p.create("index", 0o644, func(w io.Writer) error { return writeIndex(w, c.Tree.Commit.Format(), c.Tree.Files, c.Stats) })
		},
	}
	if c.Shallow {
		steps = append(steps, func() error { return put("shallow", c.Tree.Commit.String()+"\n") })
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tags)) {
		steps = append(steps, func() error {
			ref := "refs/tags/" + name
			if err := p.Root.MkdirAll(p.in(path.Dir(ref)), 0o755); err != nil {
				return err
			}
			return put(ref, c.Tags[name].String()+"\n")
		})
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("writing %s: %w", p.Dir, err)
		}
	}
	return nil
}

// Reindex writes Git's index anew, for files that have changed since it was written.
func (p Place) Reindex(tree *proof.Tree, stats []worktree.Stat) error {
	if err := p.Root.Remove(p.in("index")); err != nil {
		return err
	}
	return p.create("index", 0o644, func(w io.Writer) error { return writeIndex(w, tree.Commit.Format(), tree.Files, stats) })
}

func (p Place) create(name string, perm os.FileMode, fill func(io.Writer) error) error {
	f, err := p.Root.OpenFile(p.in(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	err = fill(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// configOf returns the content of the file config: what git needs, the origin, and the
// submodules. The URLs have no credential and no control character (config.RepoURL).
func (p Place) configOf(c Contents) string {
	version, extensions := 0, ""
	if f := c.Tree.Commit.Format(); f != object.SHA1 { // gitrepository-layout(5): a reader that knows no extensions must not go on
		version, extensions = 1, "[extensions]\n\tobjectformat = "+f.String()+"\n"
	}
	text := fmt.Sprintf("[core]\n\trepositoryformatversion = %d\n\tfilemode = true\n\tbare = false\n", version)
	if c.Path != "" {
		text += "\tworktree = " + quoted(between(p.Dir, c.Path)) + "\n"
	}
	if c.Moved { // else git would read the moved files again, and take Git LFS contents for changes
		text += "\ttrustctime = false\n"
	}
	text += extensions + "[remote \"origin\"]\n\turl = " + quoted(c.Origin) + "\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
	for _, m := range c.Modules {
		text += "[submodule " + quoted(m.Name) + "]\n\tactive = true\n\turl = " + quoted(m.Repo.String()) + "\n"
	}
	return text
}

// quoted returns a value, or the name of a subsection, as git-config(1) reads it.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// between returns the relative path from the directory dir to another path. Both are below
// the same root.
func between(dir, to string) string { return strings.Repeat("../", strings.Count(dir, "/")+1) + to }

// Lead makes the file .git of a submodule, which leads from its files, at, to its Git
// directory, dir. Both are below the checkout's root.
func Lead(root *os.Root, dir, at string) error {
	f, err := root.OpenFile(path.Join(at, Dir), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(Leading(dir, at))
	return errors.Join(err, f.Chmod(0o644), f.Close()) // whatever the umask is
}

// Leading returns the content of that file.
func Leading(dir, at string) string { return "gitdir: " + between(at, dir) + "\n" }

// Spool makes an empty file below dir and removes its name, so that closing it frees it.
func Spool(root *os.Root, dir string) (*os.File, error) {
	name := path.Join(dir, fmt.Sprintf("spool-%d", syscall.Getpid()))
	for i := 0; ; i++ {
		at := fmt.Sprintf("%s-%d", name, i)
		f, err := root.OpenFile(at, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if os.IsExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return f, root.Remove(at)
	}
}

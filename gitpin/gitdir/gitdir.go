package gitdir

import (
	"encoding/hex"
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
	"gitlauncher/gitpin/worktree"
)

// Incoming is where the pack lies until it has its name, below the checkout.
const Incoming = ".git/objects/pack/incoming"

// dirs are the directories without which git sees no repository.
var dirs = []string{"objects/pack", "objects/info", "refs/heads", "refs/tags", "info"}

// inGit is a name below the checkout.
func inGit(name string) string { return path.Join(".git", name) }

// Make makes the directories of .git below root.
func Make(root *os.Root) error {
	for _, dir := range dirs {
		if err := root.MkdirAll(inGit(dir), 0o755); err != nil {
			return fmt.Errorf("making .git: %w", err)
		}
	}
	return nil
}

// Contents is what a .git directory is made of.
type Contents struct {
	Origin  string // the repository's URL; it holds no credential (config.RepoURL)
	Tree    *proof.Tree
	Stats   []worktree.Stat // of Tree.Files
	Pack    *index.Table    // of the pack that lies at Incoming
	Shallow bool            // the commit's parents are left out
	Tags    map[string]object.ID
	Exclude string // of .git/info/exclude
}

// Write makes all files of .git below root, and moves the pack to its name.
func Write(root *os.Root, c Contents) error {
	packed := "objects/pack/pack-" + hex.EncodeToString(c.Pack.Checksum)
	put := func(name, content string) error { return root.WriteFile(inGit(name), []byte(content), 0o644) }
	steps := []func() error{
		func() error { return root.Rename(Incoming, inGit(packed+".pack")) },
		func() error { return put("HEAD", c.Tree.Commit.String()+"\n") },
		func() error { return put("config", configOf(c.Origin, c.Tree.Commit.Format())) },
		func() error { return put("info/exclude", c.Exclude) },
		func() error { return create(root, packed+".idx", 0o444, c.Pack.Write) },
		func() error {
			return create(root, "index", 0o644, func(w io.Writer) error { return writeIndex(w, c.Tree.Commit.Format(), c.Tree.Files, c.Stats) })
		},
	}
	if c.Shallow {
		steps = append(steps, func() error { return put("shallow", c.Tree.Commit.String()+"\n") })
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tags)) {
		steps = append(steps, func() error {
			ref := "refs/tags/" + name
			if err := root.MkdirAll(inGit(path.Dir(ref)), 0o755); err != nil {
				return err
			}
			return put(ref, c.Tags[name].String()+"\n")
		})
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return fmt.Errorf("writing .git: %w", err)
		}
	}
	return nil
}

func create(root *os.Root, name string, perm os.FileMode, fill func(io.Writer) error) error {
	f, err := root.OpenFile(inGit(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	err = fill(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// configOf is .git/config: what git needs, and the origin. The URL holds no
// credential and no control character (config.RepoURL).
func configOf(url string, f object.Format) string {
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(url)
	version, extensions := 0, ""
	if f != object.SHA1 { // gitrepository-layout(5): whoever knows no extensions must not read on
		version, extensions = 1, "[extensions]\n\tobjectformat = "+f.String()+"\n"
	}
	return fmt.Sprintf("[core]\n\trepositoryformatversion = %d\n\tfilemode = true\n\tbare = false\n", version) + extensions +
		"[remote \"origin\"]\n\turl = \"" + quoted + "\"\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
}

// Spool makes an empty file below dir that has no name any more.
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

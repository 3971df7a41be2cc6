package gitpin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"gitlauncher/config"
	"gitlauncher/gitpin/gitdir"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/proof"
	"gitlauncher/gitpin/submodule"
	"gitlauncher/gitpin/worktree"
)

// Limits of submodules that a user can't set (doc/limits.md). No commit can have itself as a
// submodule, but a chain of commits can have any length.
const (
	maxSubmodules = 1000     // of one checkout, at all depths together
	maxDepth      = 16       // levels of submodules in submodules
	maxNames      = 96 << 10 // bytes of their lines in the launch record, which has room for 256 KiB
)

// SubmoduleError says which submodule an error is about.
type SubmoduleError struct {
	Path   string // below WORK_DIR
	Commit object.ID
	URL    string // without a credential, as config.RepoURL has none
	Err    error
}

func (e *SubmoduleError) Error() string {
	return fmt.Sprintf("submodule %.200q at commit %s of %s: %v", e.Path, e.Commit, e.URL, e.Err)
}

func (e *SubmoduleError) Unwrap() error { return e.Err }

// part is one repository of a checkout: the pinned one, or a submodule of another part.
type part struct {
	path  string // of its files below WORK_DIR; empty for the pinned one
	git   string // its Git directory, below WORK_DIR
	depth int    // 0 for the pinned one
}

// whole is what all parts of a checkout have in common.
type whole struct {
	repo config.RepoURL // the pinned repository, to which the credentials belong
	auth Credentials

	// What the limits leave for the next parts.
	pack, tree        int64
	files, submodules int
	names             int
	until             time.Time // the end of the fetch timeout

	objects int // proven so far; they stay in memory
}

// begin makes p the pinned part of a new whole.
func (p *Params) begin() {
	p.part = part{git: gitdir.Dir}
	p.whole = &whole{
		repo: p.Repo, auth: p.Auth,
		pack: p.MaxPackBytes, tree: p.MaxTreeBytes, files: p.MaxFiles, submodules: maxSubmodules, names: maxNames,
		until: time.Now().Add(p.FetchTimeout),
	}
}

// placed is a part that is proven, in the draft or in WORK_DIR.
type placed struct {
	Submodule
	links  []submodule.Link
	faults []string

	pack, tree int64 // bytes of the transfer, and of the files
}

// place returns what is kept of a proven part.
func (p *Params) place(tree *proof.Tree, links []submodule.Link, bytes int64) *placed {
	return &placed{
		Submodule: Submodule{Path: p.part.path, Commit: tree.Commit, Tree: tree.Root, Files: tree.Files, entries: tree.Seen},
		links:     links, faults: tree.Faults, tree: bytes,
	}
}

// each makes the pinned repository in one way, and then its submodules, depth first, which
// is the order of the listing.
func (p *Params) each(ctx context.Context, way func(context.Context, *Params) (*placed, error)) ([]*placed, error) {
	one, err := way(ctx, p)
	if err == nil {
		err = p.account(one)
	}
	if err != nil {
		return nil, p.named(err)
	}
	all := []*placed{one}
	for _, link := range one.links {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		below, err := p.below(link).each(ctx, way)
		if err != nil {
			return nil, err
		}
		all = append(all, below...)
	}
	return all, nil
}

// account subtracts a part, and its submodules before any is fetched, from what is left of
// the limits.
func (p *Params) account(one *placed) error {
	w := p.whole
	w.pack, w.tree, w.files, w.objects = w.pack-one.pack, w.tree-one.tree, w.files-one.entries, w.objects+len(one.Files)
	for _, l := range one.links {
		w.submodules--
		w.names -= len(joined(p.part.path, l.Path)) + len(l.Commit.String()) + len(" \n")
		switch {
		case w.submodules < 0:
			return &submodule.Error{Path: l.Path, Reason: fmt.Sprintf("is one of more than %d, which no checkout may have", maxSubmodules)}
		case w.names < 0:
			return &submodule.Error{Path: l.Path, Reason: fmt.Sprintf("is one of so many that their names have no room in the launch record: %d KiB", maxNames>>10)}
		}
	}
	if len(one.links) > 0 && p.part.depth == maxDepth {
		return &submodule.Error{Path: one.links[0].Path, Reason: fmt.Sprintf("lies in %d others, one in the other; deeper ones are not placed", maxDepth)}
	}
	return nil
}

// below returns the parameters of a submodule. It gets the credentials only if it is on the
// host of REPO_URL.
func (p *Params) below(link submodule.Link) *Params {
	sub, w := *p, p.whole
	sub.part = part{path: joined(p.part.path, link.Path), git: gitdir.ModuleDir(p.part.git, link.Name), depth: p.part.depth + 1}
	sub.Repo, sub.Mirrors, sub.Commit, sub.Auth = link.Repo, nil, link.Commit, w.auth
	if !link.Repo.SameHost(w.repo) {
		sub.Auth = w.auth.Elsewhere()
	}
	sub.MaxPackBytes, sub.MaxTreeBytes, sub.MaxFiles = w.pack, w.tree, w.files
	if p.Expect != nil {
		sub.Expect = func(objects int) { p.Expect(w.objects + objects) }
	}
	return &sub
}

// named says which submodule an error is about.
func (p *Params) named(err error) error {
	if p.part.path == "" || err == nil {
		return err
	}
	return &SubmoduleError{p.part.path, p.Commit, p.Repo.String(), err}
}

func joined(dir, path string) string {
	if dir == "" {
		return path
	}
	return dir + "/" + path
}

// plan returns the submodules of a proven tree, whose files are below root, and marks their
// folders in the tree.
func (p *Params) plan(root *os.Root, tree *proof.Tree) ([]submodule.Link, error) {
	if !p.Submodules {
		return nil, nil
	}
	var (
		gitlinks []submodule.Gitlink
		modules  *proof.File
		text     []byte
	)
	for i, f := range tree.Files {
		switch {
		case f.Mode == object.ModeGitlink:
			gitlinks = append(gitlinks, submodule.Gitlink{Path: f.Path, Commit: f.ID})
		case f.Path == ".gitmodules" && f.Mode != object.ModeSymlink:
			modules = &tree.Files[i]
		}
	}
	if len(gitlinks) == 0 {
		return nil, nil
	}
	if modules != nil {
		var err error
		if text, err = p.reread(root, modules); err != nil {
			return nil, err
		}
	}
	links, err := submodule.Plan(gitlinks, text, p.Repo)
	if err != nil {
		return nil, err
	}
	filled := make(map[string]bool, len(links))
	for _, l := range links {
		filled[l.Path] = true
	}
	for i := range tree.Folders {
		tree.Folders[i].Placed = tree.Folders[i].Gitlink && filled[tree.Folders[i].Path]
	}
	return links, nil
}

// reread reads a small file of the proven tree from the disk, and proves it again.
func (p *Params) reread(root *os.Root, f *proof.File) ([]byte, error) {
	in, err := root.OpenFile(f.Path, os.O_RDONLY|unix.O_NONBLOCK, 0) // so as not to wait for a pipe
	if err != nil {
		return nil, fmt.Errorf("%w: %w", worktree.ErrChanged, err)
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, submodule.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", worktree.ErrChanged, err)
	}
	if len(text) > submodule.MaxSize {
		return text, nil // unproven: the caller refuses it for its size
	}
	if id, err := p.hasher().Sum(object.Blob, text); err != nil || id != f.ID {
		return nil, errors.Join(worktree.ErrChanged, err)
	}
	return text, nil
}

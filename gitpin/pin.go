package gitpin

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/gitdir"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/gitpin/pack/index"
	"gitlauncher/gitpin/proof"
	"gitlauncher/gitpin/submodule"
	"gitlauncher/gitpin/workdir"
	"gitlauncher/gitpin/worktree"
)

// Pin makes WORK_DIR the pinned commit, proven from the commit down to the last byte. It
// uses the existing checkout if that can be proven, and otherwise fetches from the
// repository.
//
// After an error WORK_DIR is what it was, or the proven checkout. Errors are *[FetchError],
// *[SourcesError], *[MismatchError], *[MissingObjectError], *[object.TreeError],
// *[PlanError], *[CredentialError], [object.ErrCollision], a *[SubmoduleError] that wraps one
// of these, *[OccupiedError], *[LockedError], and those of the disk.
func Pin(ctx context.Context, p Params) (*Checkout, error) {
	dir, err := workdir.Open(p.WorkDir, p.moving)
	if err != nil {
		return nil, err
	}
	c, err := p.pin(ctx, dir)
	if err != nil {
		dir.Close()
		return nil, err
	}
	return c, nil
}

func (p *Params) pin(ctx context.Context, dir *workdir.Dir) (*Checkout, error) {
	if _, err := dir.Recognise(p.Repo.String()); err != nil {
		return nil, err // nothing was made yet
	}
	if err := dir.Lock(ctx, p.LockTimeout, p.Sleep); err != nil {
		return nil, err
	}
	p.Stage(StageLocked)
	if err := dir.Tidy(); err != nil {
		return nil, err
	}
	ours, err := dir.Recognise(p.Repo.String())
	if err != nil {
		return nil, err
	}
	if ours {
		p.Stage(StageReuse)
		c, err := p.reuse(ctx, dir)
		if err == nil || ctx.Err() != nil {
			return c, err
		}
		p.Log.Info("the checkout that is there can't be used; fetching", "step", "reuse", "reason", err.Error())
		if err := dir.Tidy(); err != nil {
			return nil, err
		}
	}
	p.Stage(StageFetch)
	return p.fromHost(ctx, dir)
}

// fromHost makes the checkout from the repository, and from those of its submodules.
func (p *Params) fromHost(ctx context.Context, dir *workdir.Dir) (*Checkout, error) {
	p.begin()
	parts, err := p.each(ctx, func(ctx context.Context, p *Params) (*placed, error) { return p.fetch(ctx, dir) })
	if err != nil {
		return nil, err
	}
	return p.swapIn(dir, parts, true, dir.Swap)
}

// fetch makes one part in the draft.
func (p *Params) fetch(ctx context.Context, dir *workdir.Dir) (*placed, error) {
	var one *placed
	var made *materialised
	err := fetch.Fetch(ctx, p.fetching(), func(ctx context.Context, stream io.Reader) error {
		draft, git, err := p.newDraft(dir)
		if err != nil {
			return err
		}
		defer draft.Close()
		keep, err := draft.Root.OpenFile(git.Incoming(), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o444)
		if err != nil {
			return err
		}
		defer keep.Close()
		src := git.Source(keep, p.hasher)
		src.Stream, src.Announced = stream, p.Expect
		made, err = p.materialise(ctx, draft, src, func() { p.Stage(StageReceived) })
		if err != nil {
			return err
		}
		one = p.place(made.tree, made.links, made.proof.Bytes())
		one.pack = made.pack.Size()
		return p.addGit(ctx, dir, git, made)
	})
	if err == nil && p.LFS {
		var more int64
		more, err = p.contents(ctx, dir, made, true)
		one.tree += more
	}
	return one, p.fetchFault(err)
}

// materialised is a part whose files are proven and whose Git directory is not made yet.
type materialised struct {
	pack  *pack.Archive
	proof *proof.Proof
	tree  *proof.Tree
	stats []worktree.Stat
	links []submodule.Link
}

// newDraft makes an empty Git directory for a part: for the pinned one in a new draft, and
// for a submodule in the existing draft.
func (p *Params) newDraft(dir *workdir.Dir) (*workdir.Draft, gitdir.Place, error) {
	open := dir.NewDraft
	if p.part.path != "" {
		open = dir.OpenDraft
	}
	draft, err := open()
	if err != nil {
		return nil, gitdir.Place{}, err
	}
	git := gitdir.Place{Root: draft.Root, Dir: p.part.git}
	if err = git.Make(); err == nil && p.part.path != "" { // without what an earlier try left
		if err = worktree.Remove(draft.Root, git.Dir); err == nil {
			err = git.Make()
		}
	}
	if err != nil {
		draft.Close()
		return nil, gitdir.Place{}, err
	}
	return draft, git, nil
}

// materialise reads a pack and writes the proven files into the draft. It calls received
// once the whole pack has come.
func (p *Params) materialise(ctx context.Context, draft *workdir.Draft, src pack.Source, received func()) (*materialised, error) {
	root, err := p.emptyFolder(draft)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	files := worktree.NewWriter(root)
	defer files.Close()
	m := &materialised{proof: proof.New(proof.Params{Commit: p.Commit, MaxFiles: p.MaxFiles, MaxBytes: p.MaxTreeBytes, Files: files})}
	if m.pack, err = pack.Read(ctx, src, p.limits(), m.proof); err != nil {
		return nil, err
	}
	received()
	if m.tree, err = m.proof.Complete(ctx, m.pack); err != nil {
		return nil, err
	}
	if m.links, err = p.plan(root, m.tree); err != nil {
		return nil, err
	}
	m.stats = files.Stats(m.tree.Files)
	p.Stage(StageMaterialised)
	return m, nil
}

// emptyFolder opens the empty directory for a part's files in the draft. A submodule's has
// only the file .git, which leads to the Git directory.
func (p *Params) emptyFolder(draft *workdir.Draft) (*os.Root, error) {
	if p.part.path == "" {
		return draft.Root.OpenRoot(".")
	}
	if err := draft.Clear(p.part.path); err != nil {
		return nil, err
	}
	if err := gitdir.Lead(draft.Root, p.part.git, p.part.path); err != nil {
		return nil, err
	}
	return draft.Root.OpenRoot(p.part.path)
}

// addGit makes the Git directory around the pack that is in it. A pack that has more than
// the closure is written anew without the rest.
func (p *Params) addGit(ctx context.Context, dir *workdir.Dir, git gitdir.Place, m *materialised) error {
	closure, err := m.proof.Closure(ctx, m.pack, m.tree, p.FullHistory)
	if err != nil {
		return err
	}
	packed := m.pack.Table
	if closure.Len() != packed.Len() {
		if packed, err = git.Repack(ctx, m.pack, closure.IDs(), p.limits(), p.hasher); err != nil {
			return err
		}
	}
	return p.writeGit(dir, git, m, packed, closure.Tags)
}

// writeGit makes the Git directory around a pack that has exactly the closure.
func (p *Params) writeGit(dir *workdir.Dir, git gitdir.Place, m *materialised, packed *index.Table, tags map[string]object.ID) error {
	c := gitdir.Contents{
		Origin: p.Repo.String(), Tree: m.tree, Stats: m.stats, Pack: packed,
		Shallow: !p.FullHistory && len(m.tree.Parents) > 0, Tags: tags,
		Modules: m.links, Path: p.part.path,
	}
	if dir.Inside() && p.part.path == "" {
		for _, e := range m.tree.Entries {
			if e.Name == workdir.ControlName {
				return &object.TreeError{Name: e.Name, Reason: "is where the launcher keeps its lock when WORK_DIR is a mount point"}
			}
		}
		c.Moved, c.Exclude = true, "/"+workdir.ControlName+"/\n"
	}
	return git.Write(c)
}

// swapIn marks whose checkout WORK_DIR will be, and puts the draft in place.
func (p *Params) swapIn(dir *workdir.Dir, parts []*placed, fetched bool, swap func() error) (*Checkout, error) {
	if err := dir.Mark(p.Repo.String()); err != nil {
		return nil, err
	}
	p.Stage(StageStaged)
	if err := swap(); err != nil {
		return nil, fmt.Errorf("swapping the checkout in: %w", err)
	}
	p.Stage(StageSwapped)
	c := &Checkout{Tree: parts[0].Tree, Files: parts[0].Files, Fetched: fetched, dir: dir}
	for i, one := range parts {
		if len(one.faults) > 0 {
			p.Log.Warn("git fsck finds fault with the pin; git checks it out, and so does this", "step", "prove", "submodule", one.Path, "faults", strings.Join(one.faults, ", "))
		}
		if i > 0 {
			c.Submodules = append(c.Submodules, one.Submodule)
		}
	}
	if err := dir.Tidy(); err != nil {
		return nil, err
	}
	return c, nil
}

// moving reports the middle of a swap inside a mount point as a stage.
func (p *Params) moving(m workdir.Move) {
	if m == workdir.MoveOut {
		p.Stage(StageSwapOut)
	} else {
		p.Stage(StageSwapIn)
	}
}

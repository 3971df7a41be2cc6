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
	"gitlauncher/gitpin/workdir"
	"gitlauncher/gitpin/worktree"
)

// Pin makes WORK_DIR the pinned commit, proven from the commit down to the last
// byte: from what is there if it proves good, else from the repository.
//
// On an error WORK_DIR is what it was, or the proven checkout. Errors are
// [*FetchError], [*MismatchError], [*MissingObjectError], [*object.TreeError],
// [*OccupiedError], [*LockedError], [*CredentialError], [object.ErrCollision], or the
// disk's own.
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
		return nil, err // before anything is made
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

// fromHost makes the checkout from the repository.
func (p *Params) fromHost(ctx context.Context, dir *workdir.Dir) (*Checkout, error) {
	var tree *proof.Tree
	err := fetch.Fetch(ctx, p.fetching(), func(ctx context.Context, stream io.Reader) error {
		draft, err := p.newDraft(dir)
		if err != nil {
			return err
		}
		defer draft.Close()
		keep, err := draft.Root.OpenFile(gitdir.Incoming, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o444)
		if err != nil {
			return err
		}
		defer keep.Close()
		src := gitdir.Source(draft.Root, keep, p.hasher)
		src.Stream, src.Announced = stream, p.Expect
		made, err := p.materialise(ctx, draft, src, func() { p.Stage(StageReceived) })
		if err != nil {
			return err
		}
		tree = made.tree
		return p.addGit(ctx, dir, draft, made)
	})
	if err != nil {
		return nil, p.fetchFault(err)
	}
	return p.swapIn(dir, tree, true, dir.Swap)
}

// materialised is a draft whose files are proven, before it has its .git.
type materialised struct {
	pack  *pack.Archive
	proof *proof.Proof
	tree  *proof.Tree
	stats []worktree.Stat
}

// newDraft makes an empty draft with the directories of .git.
func (p *Params) newDraft(dir *workdir.Dir) (*workdir.Draft, error) {
	draft, err := dir.NewDraft()
	if err != nil {
		return nil, err
	}
	if err := gitdir.Make(draft.Root); err != nil {
		draft.Close()
		return nil, err
	}
	return draft, nil
}

// materialise reads a pack and writes the proven files into the draft. received is
// called once all of the pack is there.
func (p *Params) materialise(ctx context.Context, draft *workdir.Draft, src pack.Source, received func()) (*materialised, error) {
	files := worktree.NewWriter(draft.Root)
	defer files.Close()
	m := &materialised{proof: proof.New(proof.Params{Commit: p.Commit, MaxFiles: p.MaxFiles, MaxBytes: p.MaxTreeBytes, Files: files})}
	var err error
	if m.pack, err = pack.Read(ctx, src, p.limits(), m.proof); err != nil {
		return nil, err
	}
	received()
	if m.tree, err = m.proof.Complete(ctx, m.pack); err != nil {
		return nil, err
	}
	m.stats = files.Stats(m.tree.Files)
	p.Stage(StageMaterialised)
	return m, nil
}

// addGit makes .git around the pack that lies in the draft. A pack that holds more than
// the closure is written anew without the rest.
func (p *Params) addGit(ctx context.Context, dir *workdir.Dir, draft *workdir.Draft, m *materialised) error {
	closure, err := m.proof.Closure(ctx, m.pack, m.tree, p.FullHistory)
	if err != nil {
		return err
	}
	packed := m.pack.Table
	if closure.Len() != packed.Len() {
		if packed, err = gitdir.Repack(ctx, draft.Root, m.pack, closure.IDs(), p.limits(), p.hasher); err != nil {
			return err
		}
	}
	return p.writeGit(dir, draft, m, packed, closure.Tags)
}

// writeGit makes .git around a pack that holds the closure and no more.
func (p *Params) writeGit(dir *workdir.Dir, draft *workdir.Draft, m *materialised, packed *index.Table, tags map[string]object.ID) error {
	c := gitdir.Contents{
		Origin: p.Repo.String(), Tree: m.tree, Stats: m.stats, Pack: packed,
		Shallow: !p.FullHistory && len(m.tree.Parents) > 0, Tags: tags,
	}
	if dir.Inside() {
		for _, e := range m.tree.Entries {
			if e.Name == workdir.ControlName {
				return &object.TreeError{Name: e.Name, Reason: "is where the launcher keeps its lock when WORK_DIR is a mount point"}
			}
		}
		c.Exclude = "/" + workdir.ControlName + "/\n"
	}
	return gitdir.Write(draft.Root, c)
}

// swapIn puts the draft in place and marks whose it is.
func (p *Params) swapIn(dir *workdir.Dir, tree *proof.Tree, fetched bool, swap func() error) (*Checkout, error) {
	if err := dir.Mark(p.Repo.String()); err != nil {
		return nil, err
	}
	p.Stage(StageStaged)
	if err := swap(); err != nil {
		return nil, fmt.Errorf("swapping the checkout in: %w", err)
	}
	p.Stage(StageSwapped)
	if len(tree.Faults) > 0 {
		p.Log.Warn("git fsck finds fault with the pin; git checks it out, and so does this", "step", "prove", "faults", strings.Join(tree.Faults, ", "))
	}
	if err := dir.Tidy(); err != nil {
		return nil, err
	}
	return &Checkout{Tree: tree.Root, Files: tree.Files, Fetched: fetched, dir: dir}, nil
}

// moving tells of a swap inside a mount point, which takes its time.
func (p *Params) moving(m workdir.Move) {
	if m == workdir.MoveOut {
		p.Stage(StageSwapOut)
	} else {
		p.Stage(StageSwapIn)
	}
}

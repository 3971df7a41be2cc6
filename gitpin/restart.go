package gitpin

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"gitlauncher/gitpin/gitdir"
	"gitlauncher/gitpin/lfs"
	"gitlauncher/gitpin/pack"
	"gitlauncher/gitpin/pack/stored"
	"gitlauncher/gitpin/proof"
	"gitlauncher/gitpin/workdir"
	"gitlauncher/gitpin/worktree"
)

// restart proves one part of the existing checkout and believes nothing of it. There are
// three ways, and each is for when the one before fails:
//
//   - byClaims finds commit and trees where the index of the kept pack says they are, and
//     hashes every file. It does not even unpack the pack's blobs: it makes the pack of the
//     new .git from the files that it has just proven, or keeps the old pack if that is the
//     same (package stored).
//   - byReading does the same without the index: it reads the whole pack like a stranger's.
//     Only this way has history (FETCH_DEPTH=full), and only this way works on a disk without
//     room for another pack. With LFS=fetch it is needed, too, since the files do not have
//     the bytes of the pointers that the pack has.
//   - anew makes all files from the pack, because those on the disk are not the proven ones.
//     Git LFS contents are copied from those files that do have them.
type restart struct {
	params *Params
	dir    *workdir.Dir
	kept   *workdir.Kept
	full   bool // the disk is full, so the pack must stay as it is
}

// errSlowDisk says that proving the existing checkout takes longer than a fetch may take.
var errSlowDisk = errors.New("the disk is so slow that fetching can't be slower: the fetch timeout is over")

// reuse proves the existing checkout with its submodules, and makes .git anew around it. It
// needs no network. If the checkout can't be used, the error says why.
func (p *Params) reuse(ctx context.Context, dir *workdir.Dir) (*Checkout, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.FetchTimeout, errSlowDisk)
	defer cancel()
	p.alone = !p.FullHistory // as the last launch made the pack
	parts, err := p.again(ctx, dir, (*restart).asItIs)
	swap := dir.SwapGit
	if errors.Is(err, worktree.ErrChanged) {
		p.Log.Info("the checkout on disk was changed; making it anew from its own objects", "step", "reuse", "found", err.Error())
		swap = dir.Swap
		if err := dir.Tidy(); err != nil { // the draft may share packs by now, and a kept pack must have one name
			return nil, err
		}
		parts, err = p.again(ctx, dir, func(r *restart, ctx context.Context) (*placed, error) { return r.try(ctx, r.anew) })
	}
	if err != nil {
		return nil, err
	}
	return p.swapIn(dir, parts, false, swap)
}

// again makes every part of the existing checkout in one way.
func (p *Params) again(ctx context.Context, dir *workdir.Dir, way func(*restart, context.Context) (*placed, error)) ([]*placed, error) {
	p.begin()
	return p.each(ctx, func(ctx context.Context, p *Params) (*placed, error) {
		kept, err := dir.OpenKept(p.part.git)
		if err != nil {
			return nil, err
		}
		defer kept.Close()
		return way(&restart{params: p, dir: dir, kept: kept}, ctx)
	})
}

// asItIs proves a part and leaves its files where they are.
func (r *restart) asItIs(ctx context.Context) (*placed, error) {
	one, err := r.try(ctx, r.byClaims)
	if err != nil && ctx.Err() == nil && !errors.Is(err, worktree.ErrChanged) {
		r.full = errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
		r.params.Log.Debug("reading the kept pack as a whole", "step", "reuse", "reason", err.Error())
		one, err = r.try(ctx, r.byReading)
	}
	return one, err
}

// try makes a part in one way, with an empty Git directory and nothing proven yet.
func (r *restart) try(ctx context.Context, way func(context.Context, *workdir.Draft, gitdir.Place) (*placed, error)) (*placed, error) {
	draft, git, err := r.params.newDraft(r.dir)
	if err != nil {
		return nil, err
	}
	defer draft.Close()
	return way(ctx, draft, git)
}

func (r *restart) byClaims(ctx context.Context, draft *workdir.Draft, git gitdir.Place) (*placed, error) {
	if r.params.FullHistory || r.params.LFS || r.kept.Index == nil {
		return nil, &workdir.UnusableError{Reason: "there is more than an index can help with"}
	}
	src := r.source(git)
	src.Spool = nil // no blob is read from the pack
	a, err := pack.Claims(src, r.kept.Index, r.params.limits())
	if err != nil {
		return nil, err
	}
	return r.agree(ctx, draft, git, a, r.newProof())
}

func (r *restart) byReading(ctx context.Context, draft *workdir.Draft, git gitdir.Place) (*placed, error) {
	pr := r.newProof()
	a, err := pack.Read(ctx, r.source(git), r.params.limits(), pr)
	if err != nil {
		return nil, err
	}
	return r.agree(ctx, draft, git, a, pr)
}

func (r *restart) anew(ctx context.Context, draft *workdir.Draft, git gitdir.Place) (*placed, error) {
	m, err := r.params.materialise(ctx, draft, r.source(git), func() {})
	if err != nil {
		return nil, err
	}
	one := r.params.place(m.tree, m.links, m.proof.Bytes())
	if err := r.keepPack(ctx, draft, git, m); err != nil || !r.params.LFS {
		return one, err
	}
	more, err := r.params.contents(ctx, r.dir, m, false)
	one.tree += more
	return one, err
}

func (r *restart) source(git gitdir.Place) pack.Source {
	src := git.Source(r.kept.Pack, r.params.hasher)
	src.Announced = r.params.Expect
	return src
}

// newProof returns a proof that writes nothing.
func (r *restart) newProof() *proof.Proof {
	return proof.New(proof.Params{Commit: r.params.Commit, MaxFiles: r.params.MaxFiles, MaxBytes: r.params.MaxTreeBytes})
}

// keepPack makes the Git directory around the kept pack.
func (r *restart) keepPack(ctx context.Context, draft *workdir.Draft, git gitdir.Place, m *materialised) error {
	if err := r.dir.Share(r.kept, draft, git.Incoming(), r.params.Now()); err != nil {
		return err
	}
	return r.params.addGit(ctx, r.dir, git, m)
}

// agree requires that the files of the part are the proven tree, which it lists from a, and
// makes the part's Git directory.
func (r *restart) agree(ctx context.Context, draft *workdir.Draft, git gitdir.Place, a *pack.Archive, pr *proof.Proof) (*placed, error) {
	p := r.params
	root, err := r.dir.OpenTree(p.part.path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", worktree.ErrChanged, err)
	}
	defer root.Close()
	check := r.checker(root)
	defer check.Close()
	m := &materialised{pack: a, proof: pr}
	if m.tree, err = pr.List(ctx, a); err != nil {
		return nil, err
	}
	if m.links, err = p.plan(root, m.tree); err != nil { // perhaps because files have changed
		return nil, fmt.Errorf("%w: %w", worktree.ErrChanged, err)
	}
	sizes, err := check.Layout(ctx, m.tree)
	if err != nil {
		return nil, err
	}
	if p.part.path != "" {
		if err := check.File(ctx, gitdir.Dir, gitdir.Leading(p.part.git, p.part.path)); err != nil {
			return nil, err
		}
	}
	var bytes int64
	for _, size := range sizes {
		bytes += size
	}
	if p.FullHistory || p.LFS || r.full { // the pack was read as a whole
		if m.stats, err = check.Contents(ctx, m.tree, sizes, nil, r.pointers(ctx, a, m.tree, sizes)); err != nil {
			return nil, err
		}
		p.Stage(StageMaterialised)
		return p.place(m.tree, m.links, bytes), r.keepPack(ctx, draft, git, m)
	}
	layout := worktree.NewStored(m.tree, sizes)
	if m.stats, err = r.restore(ctx, draft, git, check, m.tree, sizes, layout); err != nil {
		return nil, err
	}
	return p.place(m.tree, m.links, bytes), p.writeGit(r.dir, git, m, layout.Pack.Table(), nil)
}

// pointers returns the pointers of large files from Git LFS. A file whose pointer is known
// needs to be hashed only once. To read a pointer takes some 0.3 ms; a smaller file is hashed
// twice in that time.
func (r *restart) pointers(ctx context.Context, a *pack.Archive, tree *proof.Tree, sizes []int64) map[int]lfs.Pointer {
	const large = 1 << 20 // bytes
	if !r.params.LFS {
		return nil
	}
	return tree.Pointers(ctx, a, func(i int) bool { return sizes[i] >= large })
}

func (r *restart) checker(root *os.Root) *worktree.Checker {
	beside, atMount := []string{gitdir.Dir}, r.dir.Inside() && r.params.part.path == ""
	if atMount {
		beside = append(beside, workdir.ControlName)
	}
	return worktree.NewChecker(worktree.CheckParams{
		Root: root, Beside: beside, MountRoot: atMount, LFS: r.params.LFS,
		MaxBytes: r.params.MaxTreeBytes, Now: r.params.Now(), NewHasher: r.params.hasher,
	})
}

// restore proves the files and puts the stored pack of the tree into the draft. If the kept
// pack is that very pack, it is used again; otherwise it is written anew.
func (r *restart) restore(ctx context.Context, draft *workdir.Draft, git gitdir.Place, check *worktree.Checker, tree *proof.Tree, sizes []int64, layout *worktree.Stored) ([]worktree.Stat, error) {
	var stats []worktree.Stat
	err := layout.Pack.CompareWith(r.kept.Pack)
	if err == nil {
		stats, err = check.Contents(ctx, tree, sizes, layout, nil)
	}
	if err == nil {
		r.params.Stage(StageMaterialised)
		return stats, r.dir.Share(r.kept, draft, git.Incoming(), r.params.Now())
	}
	if !errors.Is(err, stored.ErrDiffers) {
		return nil, err
	}
	out, err := draft.Root.OpenFile(git.Incoming(), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if err := layout.Pack.WriteTo(out); err != nil {
		return nil, err
	}
	if stats, err = check.Contents(ctx, tree, sizes, layout, nil); err != nil {
		return nil, err
	}
	if err := out.Sync(); err != nil { // later restarts use this pack, and do not sync it
		return nil, err
	}
	r.params.Stage(StageMaterialised)
	return stats, nil
}

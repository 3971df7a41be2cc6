package gitpin

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// restart goes on with the checkout that is there, of which nothing is believed.
// Three ways, each for where the one before fails:
//
//   - byClaims finds commit and trees where the index of the kept pack says they are,
//     and hashes every file. The blobs of the pack are not even unpacked: the pack of
//     the new .git is made of the files just proven, or is the one there if it is
//     that very pack (pack.Stored).
//   - byReading does the same without the index, reading the pack as any stranger's.
//     History (FETCH_DEPTH=full) can be had no other way, and a disk without room for
//     another pack allows none.
//   - anew makes all files from the pack, where those there are not the proven ones.
type restart struct {
	*Params
	work  *workDir
	store *store
	proof *proof
	full  bool // the disk is, so that the pack has to stay as it is
}

// reuse proves the checkout that is there, and makes .git anew around it. It needs
// no network; if what is there is no good, the error says why.
func (p *Params) reuse(ctx context.Context, w *workDir) (*Checkout, error) {
	s, err := w.openStore()
	if err != nil {
		return nil, err
	}
	defer s.close()
	r := &restart{Params: p, work: w, store: s}
	files, err := r.try(ctx, r.byClaims)
	if err != nil && ctx.Err() == nil && !errors.Is(err, errWorktree) {
		r.full = errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
		p.Log.Debug("reading the kept pack as a whole", "step", "reuse", "reason", err.Error())
		files, err = r.try(ctx, r.byReading)
	}
	swap := w.swapGit
	if errors.Is(err, errWorktree) {
		p.Log.Info("the checkout on disk was changed; making it anew from its own objects", "step", "reuse", "found", err.Error())
		swap = w.swap
		files, err = r.try(ctx, r.anew)
	}
	if err != nil {
		return nil, err
	}
	return &Checkout{Tree: r.proof.info.Tree, Files: files, dir: w}, p.swapIn(w, swap)
}

// try goes one way, from an empty staging directory and with nothing proven yet.
func (r *restart) try(ctx context.Context, way func(context.Context, *staging) ([]File, error)) ([]File, error) {
	st, err := r.stage(r.work)
	if err != nil {
		return nil, err
	}
	defer st.close()
	return way(ctx, st)
}

func (r *restart) byClaims(ctx context.Context, st *staging) ([]File, error) {
	if r.FullHistory || r.store.index == nil {
		return nil, &errNoStore{"there is more than an index can help with"}
	}
	a, err := pack.Claims(r.source(st, r.store.pack), r.store.index, r.limits())
	if err != nil {
		return nil, err
	}
	r.proof = newProof(r.Commit, r.MaxFiles, nil)
	return r.agree(ctx, st, a)
}

func (r *restart) byReading(ctx context.Context, st *staging) ([]File, error) {
	r.proof = newProof(r.Commit, r.MaxFiles, nil)
	a, err := r.readKept(ctx, st)
	if err != nil {
		return nil, err
	}
	return r.agree(ctx, st, a)
}

func (r *restart) anew(ctx context.Context, st *staging) ([]File, error) {
	w := r.writer(st)
	defer w.close()
	r.proof = newProof(r.Commit, r.MaxFiles, w)
	a, err := r.readKept(ctx, st)
	if err != nil {
		return nil, err
	}
	files, err := r.proof.complete(ctx, a)
	if err != nil {
		return nil, err
	}
	r.Stage(StageMaterialised)
	return files, r.keep(ctx, st, a, files)
}

func (r *restart) readKept(ctx context.Context, st *staging) (*pack.Archive, error) {
	return pack.Read(ctx, r.source(st, r.store.pack), r.limits(), r.proof)
}

// keep makes .git around the pack that is there.
func (r *restart) keep(ctx context.Context, st *staging, a *pack.Archive, files []File) error {
	if err := r.work.share(r.store, st, incoming); err != nil {
		return err
	}
	return st.store(ctx, r.Params, a, r.proof, files)
}

// agree demands that WORK_DIR is the proven tree, which a helps to find, and makes
// .git around it.
func (r *restart) agree(ctx context.Context, st *staging, a *pack.Archive) ([]File, error) {
	tree, err := r.work.root.OpenRoot(r.work.tree)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	check := newChecker(r.Params, tree, r.work.inside)
	defer check.close()
	files, err := r.proof.list(ctx, a)
	if err != nil {
		return nil, err
	}
	sizes, err := check.layout(ctx, r.proof.folders, files)
	if err != nil {
		return nil, err
	}
	if r.FullHistory || r.full { // the pack was read as a whole
		if err := check.contents(ctx, files, sizes, nil); err != nil {
			return nil, err
		}
		r.Stage(StageMaterialised)
		return files, r.keep(ctx, st, a, files)
	}
	packed, err := r.restore(ctx, st, check, files, sizes)
	if err != nil {
		return nil, err
	}
	return files, st.seal(r.Params, packed, r.proof, files, nil)
}

// restore proves the files and leaves a stored pack of them, and of commit and
// trees, in the staging directory.
func (r *restart) restore(ctx context.Context, st *staging, check *checker, files []File, sizes []int64) (*pack.Archive, error) {
	form := r.proof.storedForm(files, sizes)
	err := form.CompareWith(r.store.pack)
	if err == nil {
		err = check.contents(ctx, files, sizes, form)
	}
	if err == nil {
		r.Stage(StageMaterialised)
		return form.Archive(), r.work.share(r.store, st, incoming)
	}
	if !errors.Is(err, pack.ErrDiffers) {
		return nil, err
	}
	out, err := st.root.OpenFile(incoming, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	if err := form.WriteTo(out); err != nil {
		return nil, err
	}
	if err := check.contents(ctx, files, sizes, form); err != nil {
		return nil, err
	}
	r.Stage(StageMaterialised)
	return form.Archive(), nil
}

// form is the stored pack of a proven tree.
type form struct {
	*pack.Stored
	meta [][]byte // contents of commit and trees, which come first, in the order of the walk
	at   []int    // where each file's blob lies; -1 if an earlier file has the same
}

// storedForm lays out the pack of a listed tree whose files have these sizes.
func (p *proof) storedForm(files []File, sizes []int64) *form {
	f := &form{Stored: pack.NewStored(), at: make([]int, len(files))}
	add := func(t object.Type, id object.ID) {
		content := p.contents[id]
		f.Add(t, id, int64(len(content)))
		f.meta = append(f.meta, content)
	}
	seen := make(map[object.ID]bool, len(files))
	add(object.Commit, p.commit)
	for _, d := range p.folders {
		if !d.gitlink && !seen[d.tree] {
			seen[d.tree] = true
			add(object.Tree, d.tree)
		}
	}
	for i := range files {
		f.at[i] = -1
		if id := files[i].ID; files[i].Mode != object.ModeGitlink && !seen[id] {
			seen[id] = true
			f.at[i] = f.Add(object.Blob, id, sizes[i])
		}
	}
	return f
}

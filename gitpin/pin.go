package gitpin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"sync/atomic"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/measure"
)

// Params is what to pin and under which bounds. All fields but Auth and
// FullHistory are required.
type Params struct {
	Repo        config.RepoURL
	Commit      object.ID
	WorkDir     string // absolute
	FullHistory bool   // the ancestors too
	Auth        Credentials

	MaxPackBytes int64 // of the transfer
	MaxTreeBytes int64 // of all contents together
	MaxFiles     int   // entries of the tree, directories included

	StallTimeout time.Duration // without a byte of the pack
	FetchTimeout time.Duration // for the whole fetch, retries included
	LockTimeout  time.Duration // for another launcher to finish
	Retries      int           // after network faults

	Log      *slog.Logger
	Progress func(n int64)                              // bytes of the pack that came
	Stage    func(Stage)                                // a stage begins
	Sleep    func(context.Context, time.Duration) error // waits, or ends with the context
	Now      func() time.Time
	Hasher   func() *object.Hasher // what names objects; object.NewHasher
}

// Credentials names the files of credentials. Their contents go to Repo's own host only.
type Credentials struct {
	TokenFile, SSHKeyFile, KnownHostsFile string
}

// Stage is a step of pinning, for logs and for tests that end the launcher there.
type Stage string

// The stages, in order. Reuse and Fetch exclude each other unless reuse fails.
const (
	StageLocked       Stage = "locked"
	StageReuse        Stage = "reuse"
	StageFetch        Stage = "fetch"
	StageReceiving    Stage = "receiving" // the first bytes of the pack are there
	StageReceived     Stage = "received"
	StageMaterialised Stage = "materialised" // all files are in the staging directory
	StageStaged       Stage = "staged"       // .git too; the swap is next
	StageSwapOut      Stage = "swap-out"     // inside a mount point: half of the old names are out
	StageSwapIn       Stage = "swap-in"      // likewise: half of the new ones are in
	StageSwapped      Stage = "swapped"
)

// Stages lists all stages, for tests that walk them.
func Stages() []Stage {
	return []Stage{StageLocked, StageReuse, StageFetch, StageReceiving, StageReceived, StageMaterialised, StageStaged, StageSwapOut, StageSwapIn, StageSwapped}
}

// Checkout is a proven WORK_DIR. The lock is held until Close or exec.
type Checkout struct {
	Tree    object.ID
	Files   []File // in the order of `git ls-tree -r`
	Fetched bool   // whether the network was used

	dir *workDir
}

// Close lets go of WORK_DIR.
func (c *Checkout) Close() { c.dir.close() }

// ContentSHA256 is the digest of the listing (events.md), hex.
func (c *Checkout) ContentSHA256() string { return contentSHA256(c.Files) }

func contentSHA256(files []File) string {
	l := measure.NewListing()
	for _, f := range files {
		if f.Mode == object.ModeGitlink {
			l.AddGitlink(uint32(f.Mode), f.ID.String(), f.Path)
		} else {
			l.AddFile(uint32(f.Mode), f.SHA256, f.Path)
		}
	}
	return l.Sum()
}

// Lookup gives the file at a path, which has no "." or ".." in it.
func (c *Checkout) Lookup(p string) (File, bool) {
	for _, f := range c.Files {
		if f.Path == p {
			return f, true
		}
	}
	return File{}, false
}

// Pin makes WORK_DIR the pinned commit, proven from the commit down to the last
// byte: from what is there if it proves good, else from the repository.
//
// On an error WORK_DIR is what it was, or the proven checkout. Errors are
// *FetchError, *MismatchError, *MissingObjectError, *object.TreeError,
// *OccupiedError, *LockedError, *CredentialError, object.ErrCollision, or the
// disk's own.
func Pin(ctx context.Context, p Params) (*Checkout, error) {
	w, err := openWorkDir(p.WorkDir)
	if err != nil {
		return nil, err
	}
	w.stage = p.Stage
	c, err := p.pin(ctx, w)
	if err != nil {
		w.close()
		return nil, err
	}
	return c, nil
}

func (p *Params) pin(ctx context.Context, w *workDir) (*Checkout, error) {
	if _, err := w.recognise(p.Repo.String()); err != nil {
		return nil, err // before anything is made
	}
	if err := w.acquire(ctx, p.LockTimeout, p.Sleep); err != nil {
		return nil, err
	}
	p.Stage(StageLocked)
	if err := w.tidy(); err != nil {
		return nil, err
	}
	ours, err := w.recognise(p.Repo.String())
	if err != nil {
		return nil, err
	}
	if ours {
		p.Stage(StageReuse)
		c, err := p.reuse(ctx, w)
		if err == nil || ctx.Err() != nil {
			return c, err
		}
		p.Log.Info("the checkout that is there can't be used; fetching", "step", "reuse", "reason", err.Error())
		if err := w.tidy(); err != nil {
			return nil, err
		}
	}
	p.Stage(StageFetch)
	return p.fetchInto(ctx, w)
}

// fetchInto makes the checkout from the repository.
func (p *Params) fetchInto(ctx context.Context, w *workDir) (*Checkout, error) {
	var c *Checkout
	f := &fetcher{Params: p}
	err := f.fetch(ctx, func(ctx context.Context, stream io.Reader) error {
		st, err := p.stage(w)
		if err != nil {
			return err
		}
		defer st.close()
		keep, err := st.root.OpenFile(".git/objects/pack/incoming", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o444)
		if err != nil {
			return err
		}
		defer keep.Close()
		started := false
		watched := readerFunc(func(b []byte) (int, error) {
			n, err := stream.Read(b)
			if !started && n > 0 {
				started = true
				p.Stage(StageReceiving)
			}
			return n, err
		})
		proof := newProof(p.Commit, p.MaxFiles, p.writer(st))
		a, err := p.read(ctx, st, pack.Source{Stream: watched, Keep: keep}, proof)
		if err != nil {
			return err
		}
		p.Stage(StageReceived)
		files, err := proof.complete(ctx, a)
		if err != nil {
			return err
		}
		p.Stage(StageMaterialised)
		if err := st.store(ctx, p, a, ".git/objects/pack/incoming", proof, files); err != nil {
			return err
		}
		c = &Checkout{Tree: proof.info.Tree, Files: files, Fetched: true, dir: w}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c, p.swapIn(w, w.swap)
}

// reuse proves the checkout that is there. Its pack is read as any stranger's
// would be; then either every file is found to be the proven one and only .git is
// made anew, or the whole checkout is made anew from the pack.
func (p *Params) reuse(ctx context.Context, w *workDir) (*Checkout, error) {
	kept, name, err := w.openStore()
	if err != nil {
		return nil, err
	}
	defer kept.Close()
	st, err := p.stage(w)
	if err != nil {
		return nil, err
	}
	defer st.close()
	tree, err := w.root.OpenRoot(w.tree)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	check := &checker{root: tree, inside: w.inside, newHasher: p.Hasher, now: p.Now(), uid: uint32(os.Geteuid())}
	proof := newProof(p.Commit, p.MaxFiles, check)
	a, err := p.read(ctx, st, pack.Source{Stream: kept, Keep: kept, Kept: true}, proof)
	if err != nil {
		return nil, err
	}
	files, err := proof.compare(ctx, a, check)
	swap := w.swapGit
	if errors.Is(err, errWorktree) {
		p.Log.Info("the checkout on disk was changed; making it anew from its own objects", "step", "reuse", "found", err.Error())
		proof.place, swap = p.writer(st), w.swap
		files, err = proof.complete(ctx, a)
	}
	if err != nil {
		return nil, err
	}
	p.Stage(StageMaterialised)
	incoming := ".git/objects/pack/incoming"
	if err := w.share(name, kept, st, incoming); err != nil {
		return nil, err
	}
	if err := st.store(ctx, p, a, incoming, proof, files); err != nil {
		return nil, err
	}
	return &Checkout{Tree: proof.info.Tree, Files: files, dir: w}, p.swapIn(w, swap)
}

// compare lists the proven tree and demands that WORK_DIR is it.
func (p *proof) compare(ctx context.Context, a *pack.Archive, check *checker) ([]File, error) {
	files, err := p.list(ctx, a)
	if err != nil {
		return nil, err
	}
	if err := check.layout(files); err != nil {
		return nil, err
	}
	return files, p.placeRest(ctx, a, files)
}

func (p *Params) read(ctx context.Context, st *staging, src pack.Source, proof *proof) (*pack.Archive, error) {
	src.NewHasher = p.Hasher
	src.Spool = func() (*os.File, error) { return spool(st.root, ".git") }
	return pack.Read(ctx, src, pack.Limits{Pack: p.MaxPackBytes, Tree: p.MaxTreeBytes}, proof)
}

func (p *Params) writer(st *staging) writer {
	w := writer{root: st.root, limit: p.MaxTreeBytes, left: new(atomic.Int64)}
	w.left.Store(p.MaxTreeBytes)
	return w
}

// swapIn puts the staged checkout in place and marks whose it is.
func (p *Params) swapIn(w *workDir, swap func() error) error {
	if err := w.root.WriteFile(w.inCtl(originName), []byte(p.Repo.String()), 0o600); err != nil {
		return err
	}
	p.Stage(StageStaged)
	if err := swap(); err != nil {
		return fmt.Errorf("swapping the checkout in: %w", err)
	}
	p.Stage(StageSwapped)
	return w.tidy()
}

// staging is the checkout in the making, in the control directory.
type staging struct {
	root    *os.Root
	git     gitDir
	exclude string // for .git/info/exclude
}

// stage makes an empty staging directory; what an earlier try left goes.
func (p *Params) stage(w *workDir) (*staging, error) {
	if err := w.remove(w.inCtl(newName)); err != nil {
		return nil, err
	}
	if err := w.root.Mkdir(w.inCtl(newName), 0o755); err != nil {
		return nil, fmt.Errorf("making the staging directory: %w", err)
	}
	if err := w.root.Chmod(w.inCtl(newName), 0o755); err != nil {
		return nil, err
	}
	root, err := w.root.OpenRoot(w.inCtl(newName))
	if err != nil {
		return nil, err
	}
	st := &staging{root: root, git: gitDir{root, ".git"}}
	if w.inside {
		st.exclude = "/" + insideName + "/\n"
	}
	if err := st.git.make(); err != nil {
		root.Close()
		return nil, fmt.Errorf("making .git: %w", err)
	}
	return st, nil
}

func (st *staging) close() { st.root.Close() }

// store makes .git around the pack that lies at incoming. A pack that holds more
// than the closure is written anew without the rest.
func (st *staging) store(ctx context.Context, p *Params, a *pack.Archive, incoming string, proof *proof, files []File) error {
	if _, taken := proof.trees[proof.info.Tree]; taken && st.exclude != "" {
		for _, e := range proof.trees[proof.info.Tree] {
			if e.Name == insideName {
				return &object.TreeError{Name: e.Name, Reason: "is where the launcher keeps its lock when WORK_DIR is a mount point"}
			}
		}
	}
	c, err := proof.reach(ctx, a, files, p.FullHistory)
	if err != nil {
		return err
	}
	if len(c.ids) != len(a.Entries()) {
		if a, err = st.repack(ctx, p, a, c, incoming); err != nil {
			return fmt.Errorf("writing a pack of the pin alone: %w", err)
		}
	}
	if err := st.root.Rename(incoming, path.Join(".git", packPath(a)+".pack")); err != nil {
		return err
	}
	h := history{shallow: !p.FullHistory && len(proof.info.Parents) > 0, tags: c.tags}
	return st.git.write(p, a, files, h, st.exclude)
}

// repack leaves behind what the pin does not need.
func (st *staging) repack(ctx context.Context, p *Params, a *pack.Archive, c *closure, incoming string) (*pack.Archive, error) {
	const packed = ".git/objects/pack/packed"
	f, err := st.root.OpenFile(packed, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := pack.Write(ctx, f, a, c.sorted()); err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	again := newProof(p.Commit, p.MaxFiles, nil) // only the names are wanted
	a, err = p.read(ctx, st, pack.Source{Stream: f, Keep: f, Kept: true}, again)
	if err != nil {
		return nil, err
	}
	return a, st.root.Rename(packed, incoming)
}

// share gives the staging directory the pack of the checkout that is there: the
// same file where the file system can, a copy where not. The one in place stays,
// so that a kill before the swap loses nothing.
func (w *workDir) share(name string, kept *os.File, st *staging, to string) error {
	target := w.inCtl(path.Join(newName, to))
	if err := w.root.Link(name, target); err == nil {
		mine, err1 := kept.Stat()
		there, err2 := w.root.Lstat(target)
		if err1 != nil || err2 != nil || !os.SameFile(mine, there) {
			return &errNoStore{"the pack changed while it was in use"}
		}
		return w.root.Chmod(target, 0o444)
	}
	f, err := st.root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	if _, err = kept.Seek(0, io.SeekStart); err == nil {
		_, err = io.Copy(f, kept)
	}
	return errors.Join(err, f.Close())
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

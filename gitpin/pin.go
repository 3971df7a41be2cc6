package gitpin

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch"
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
	err := fetch.Fetch(ctx, p.fetching(), func(ctx context.Context, stream io.Reader) error {
		st, err := p.stage(w)
		if err != nil {
			return err
		}
		defer st.close()
		keep, err := st.root.OpenFile(incoming, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o444)
		if err != nil {
			return err
		}
		defer keep.Close()
		place := p.writer(st)
		defer place.close()
		proof := newProof(p.Commit, p.MaxFiles, place)
		src := p.source(st, keep)
		src.Stream = stream
		a, err := pack.Read(ctx, src, p.limits(), proof)
		if err != nil {
			return err
		}
		p.Stage(StageReceived)
		files, err := proof.complete(ctx, a)
		if err != nil {
			return err
		}
		p.Stage(StageMaterialised)
		if err := st.store(ctx, p, a, proof, files); err != nil {
			return err
		}
		c = &Checkout{Tree: proof.info.Tree, Files: files, Fetched: true, dir: w}
		return nil
	})
	if err != nil {
		return nil, p.fetchFault(err)
	}
	return c, p.swapIn(w, w.swap)
}

// fetching is what fetching needs of Params.
func (p *Params) fetching() fetch.Params {
	return fetch.Params{
		Repo: p.Repo, Commit: p.Commit, History: p.FullHistory, Auth: p.Auth,
		StallTimeout: p.StallTimeout, FetchTimeout: p.FetchTimeout, Retries: p.Retries,
		Log: p.Log, Receiving: func() { p.Stage(StageReceiving) }, Progress: p.Progress, Sleep: p.Sleep,
	}
}

// swapIn puts the staged checkout in place and marks whose it is.
func (p *Params) swapIn(w *workDir, swap func() error) error {
	if err := w.put(originName, p.Repo.String()); err != nil {
		return err
	}
	p.Stage(StageStaged)
	if err := swap(); err != nil {
		return fmt.Errorf("swapping the checkout in: %w", err)
	}
	p.Stage(StageSwapped)
	return w.tidy()
}

package gitpin

import (
	"context"
	"log/slog"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// Params says what to pin and within which limits. All fields but Mirrors, FullHistory,
// Submodules, LFS, Auth and those that may be zero or nil are required.
type Params struct {
	Repo        config.RepoURL
	Mirrors     []config.RepoURL // other addresses to fetch the commit from, in the order of trying
	Commit      object.ID
	WorkDir     string // absolute
	FullHistory bool   // the checkout has the commit's ancestors, too
	Submodules  bool   // submodules are placed, at any depth
	LFS         bool   // the contents of Git LFS files are placed
	Auth        Credentials

	MaxPackBytes int64 // of the transfer
	MaxTreeBytes int64 // of all contents together
	MaxFiles     int   // entries of the tree with directories

	StallTimeout time.Duration // without a byte from the server
	PackTimeout  time.Duration // until the pack begins; zero for fetch.DefaultPackTimeout
	FetchTimeout time.Duration // for the whole fetch with its retries
	LockTimeout  time.Duration // for another launcher to finish
	Retries      int           // after faults that may pass; negative for as many as FetchTimeout allows

	Log      *slog.Logger
	Progress func(n int64)                              // called with the bytes of the pack so far
	Objects  func(n uint32)                             // called when a pack of n objects begins; may be nil
	Said     func(line string)                          // called with what the server says about its progress; may be nil
	Expect   func(objects int)                          // called with the number of objects to prove, which need memory; may be nil
	Stage    func(Stage)                                // called when a stage begins
	Sleep    func(context.Context, time.Duration) error // waits, and returns early with an error when the context ends
	Now      func() time.Time
	Hasher   func(object.Format) *object.Hasher // makes the hasher of objects: object.Format.NewHasher

	alone bool // the current pack should have only the pin
	part  part // the current repository, which Repo and Commit are of
	whole *whole
}

// Stage is a step of pinning, for logs and for tests that end the launcher there.
type Stage string

// The stages, in order. Fetch follows Reuse only if reuse fails.
const (
	StageLocked       Stage = "locked"
	StageReuse        Stage = "reuse"
	StageFetch        Stage = "fetch"
	StageReceiving    Stage = "receiving" // the first bytes of the pack have come
	StageReceived     Stage = "received"
	StageMaterialised Stage = "materialised" // all files are in place, or in the draft
	StageStaged       Stage = "staged"       // so is .git; the swap is next
	StageSwapOut      Stage = "swap-out"     // inside a mount point: half of the old names are moved out
	StageSwapIn       Stage = "swap-in"      // inside a mount point: half of the new names are moved in
	StageSwapped      Stage = "swapped"
)

// Stages lists all stages, for tests that walk them.
func Stages() []Stage {
	return []Stage{StageLocked, StageReuse, StageFetch, StageReceiving, StageReceived, StageMaterialised, StageStaged, StageSwapOut, StageSwapIn, StageSwapped}
}

// hasher returns a hasher for the objects of the pin's repository.
func (p *Params) hasher() *object.Hasher { return p.Hasher(p.Commit.Format()) }

// fetching returns the parameters for package fetch.
func (p *Params) fetching() fetch.Params {
	return fetch.Params{
		Repo: p.Repo, Mirrors: p.Mirrors, Fault: isFault, Commit: p.Commit, History: p.FullHistory, Auth: p.Auth,
		StallTimeout: p.StallTimeout, PackTimeout: p.PackTimeout, FetchTimeout: p.timeLeft(), Retries: p.Retries,
		Log: p.Log, Asked: func(alone bool) { p.alone = alone }, Receiving: func() { p.Stage(StageReceiving) }, Progress: p.Progress, Objects: p.Objects, Said: p.Said, Sleep: p.Sleep,
	}
}

// timeLeft returns the fetch timeout, or what the earlier parts have left of it.
func (p *Params) timeLeft() time.Duration {
	if p.whole == nil {
		return p.FetchTimeout
	}
	return time.Until(p.whole.until)
}

// limits returns the limits for package pack.
func (p *Params) limits() pack.Limits {
	return pack.Limits{Pack: p.MaxPackBytes, Tree: p.MaxTreeBytes, Files: p.MaxFiles, Alone: p.alone}
}

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

// Params is what to pin and under which bounds. All fields but Mirrors, Auth,
// FullHistory, Submodules and LFS are required.
type Params struct {
	Repo        config.RepoURL
	Mirrors     []config.RepoURL // where else to look for it, in that order
	Commit      object.ID
	WorkDir     string // absolute
	FullHistory bool   // the ancestors too
	Submodules  bool   // are placed, at any depth
	LFS         bool   // the contents of Git LFS files are placed
	Auth        Credentials

	MaxPackBytes int64 // of the transfer
	MaxTreeBytes int64 // of all contents together
	MaxFiles     int   // entries of the tree, directories included

	StallTimeout time.Duration // without a byte from the server
	PackTimeout  time.Duration // until the pack begins; zero is fetch.DefaultPackTimeout
	FetchTimeout time.Duration // for the whole fetch, retries included
	LockTimeout  time.Duration // for another launcher to finish
	Retries      int           // after faults that may pass; below zero as many as FetchTimeout has room for

	Log      *slog.Logger
	Progress func(n int64)                              // bytes of the pack that came
	Objects  func(n uint32)                             // a pack of so many objects begins to come; may be nil
	Said     func(line string)                          // what the server says of its progress; may be nil
	Expect   func(objects int)                          // so many are to be proven, which take memory; may be nil
	Stage    func(Stage)                                // a stage begins
	Sleep    func(context.Context, time.Duration) error // waits, or ends with the context
	Now      func() time.Time
	Hasher   func(object.Format) *object.Hasher // what names objects; object.Format.NewHasher

	alone bool // the pack at hand is to hold the pin alone
	part  part // the repository at hand, whose Repo and Commit these are
	whole *whole
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
	StageMaterialised Stage = "materialised" // all files are in the draft
	StageStaged       Stage = "staged"       // .git too; the swap is next
	StageSwapOut      Stage = "swap-out"     // inside a mount point: half of the old names are out
	StageSwapIn       Stage = "swap-in"      // likewise: half of the new ones are in
	StageSwapped      Stage = "swapped"
)

// Stages lists all stages, for tests that walk them.
func Stages() []Stage {
	return []Stage{StageLocked, StageReuse, StageFetch, StageReceiving, StageReceived, StageMaterialised, StageStaged, StageSwapOut, StageSwapIn, StageSwapped}
}

// hasher makes what names the objects of the pin's repository.
func (p *Params) hasher() *object.Hasher { return p.Hasher(p.Commit.Format()) }

// fetching is what package fetch needs of Params.
func (p *Params) fetching() fetch.Params {
	return fetch.Params{
		Repo: p.Repo, Mirrors: p.Mirrors, Fault: isFault, Commit: p.Commit, History: p.FullHistory, Auth: p.Auth,
		StallTimeout: p.StallTimeout, PackTimeout: p.PackTimeout, FetchTimeout: p.timeLeft(), Retries: p.Retries,
		Log: p.Log, Asked: func(alone bool) { p.alone = alone }, Receiving: func() { p.Stage(StageReceiving) }, Progress: p.Progress, Objects: p.Objects, Said: p.Said, Sleep: p.Sleep,
	}
}

// timeLeft is the fetch timeout, or what the parts before have left of it.
func (p *Params) timeLeft() time.Duration {
	if p.whole == nil {
		return p.FetchTimeout
	}
	return time.Until(p.whole.until)
}

// limits is what package pack needs of Params.
func (p *Params) limits() pack.Limits {
	return pack.Limits{Pack: p.MaxPackBytes, Tree: p.MaxTreeBytes, Files: p.MaxFiles, Alone: p.alone}
}

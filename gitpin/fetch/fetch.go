package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/object"
)

// Params is what to fetch, and how long to wait for it. All fields but Mirrors, Auth,
// History, Objects and Said are required; Fault is where there are mirrors.
type Params struct {
	Repo    config.RepoURL
	Mirrors []config.RepoURL // where else it may be; what comes is proven, so any will do
	Commit  object.ID
	History bool // the ancestors too
	Auth    credential.Credentials

	StallTimeout time.Duration // without a byte from the server
	PackTimeout  time.Duration // until the pack begins, keep-alives and progress or not; zero is DefaultPackTimeout
	FetchTimeout time.Duration // for the whole, retries included
	Retries      int           // after faults that may pass; below zero as many as FetchTimeout has room for

	Log       *slog.Logger
	Fault     func(error) bool                           // whether an error of consume is about the bytes, which another source may have right
	Asked     func(alone bool)                           // the pack that comes next is the pin alone, or has history, too
	Receiving func()                                     // the first bytes of a pack are there
	Progress  func(n int64)                              // so many bytes of it came
	Objects   func(n uint32)                             // the pack says that it has so many objects
	Said      func(line string)                          // what the server says of its progress, fit for a log
	Sleep     func(context.Context, time.Duration) error // waits, or ends with the context
}

// DefaultPackTimeout is the longest that a server may prepare a pack: large hosts take
// minutes for large repositories.
const DefaultPackTimeout = 10 * time.Minute

var (
	errStalled  = errors.New("no byte has come from the server for the stall timeout")
	errNoPack   = errors.New("the server is still preparing the pack after the pack timeout")
	errTimedOut = errors.New("the fetch timeout is over")
	// errRefused: the server sends no commit that it does not advertise.
	errRefused = errors.New("the server refuses a commit that no reference points at")
)

// fetcher gets one pack that holds the pin, from one source.
type fetcher struct {
	params Params
	login  credential.Login
	given  []string // secrets that a host gave
	silent int      // tries that ended in silence, before anything came

	everything bool      // all references with their history, instead of the pin alone
	last       error     // of the last try
	over       bool      // another try can't help
	notBefore  time.Time // when the source asks to be tried again
}

func newFetcher(p Params) (*fetcher, error) {
	if p.PackTimeout == 0 {
		p.PackTimeout = DefaultPackTimeout
	}
	l, err := p.Auth.Login(p.Repo)
	return &fetcher{params: p, login: l}, err
}

// Fetch calls consume with a pack from a source, again after faults that may pass: from
// Repo, then from each mirror, and after a pause from those again that may mend. consume
// must begin from nothing each time.
//
// Errors are [*Error], [*SourcesError] where there are mirrors, [*credential.Error],
// [*remote.NoGitError], the context's own, or those of consume as they are.
func Fetch(ctx context.Context, p Params, consume func(ctx context.Context, pack io.Reader) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.FetchTimeout, errTimedOut)
	defer cancel()
	return p.inTurn(ctx, func(ctx context.Context, f *fetcher) error { return f.once(ctx, consume) })
}

// inTurn asks one source after the other, and again after faults that may pass.
func (p Params) inTurn(ctx context.Context, ask func(context.Context, *fetcher) error) error {
	all, err := p.sources()
	if err != nil {
		return err
	}
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = 30 * time.Second
	for try := 0; ; try++ {
		pause, again, err := all.round(ctx, try, ask)
		if !again {
			return err
		}
		left := timeLeft(ctx)
		if pause > left {
			return all.failed(fmt.Errorf("it asks to wait %v, longer than the fetch timeout leaves", pause.Round(time.Second)))
		}
		pause = max(wait.NextBackOff(), pause)
		p.Log.Warn("fetching failed, trying again", "step", "fetch", "error", err.Error(), "in", pause.Round(time.Millisecond).String(), "left", left.Round(time.Second).String())
		if err := p.Sleep(ctx, pause); err != nil {
			return all.ended(ctx)
		}
	}
}

func timeLeft(ctx context.Context) time.Duration {
	end, _ := ctx.Deadline()
	return time.Until(end)
}

// once asks the source once, for the pin alone, or for everything where the server sends
// nothing else.
func (f *fetcher) once(ctx context.Context, consume func(context.Context, io.Reader) error) error {
	err := f.attempt(ctx, f.everything, consume)
	if errors.Is(err, errRefused) && !f.everything {
		f.params.Log.Info("the server sends advertised commits only; fetching all references and their history", "step", "fetch")
		f.everything = true
		err = f.attempt(ctx, f.everything, consume)
	}
	return err
}

// after adds to an error that only says that time is over why it took so long.
func after(err, last error) error {
	var failed *Error
	if last == nil || !errors.As(err, &failed) || failed.Reason != TimedOut {
		return err
	}
	return &Error{Reason: TimedOut, Op: failed.Op, Err: fmt.Errorf("%w; the last try ended with: %w", failed.Err, last)}
}

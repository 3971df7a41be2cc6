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

// Params says what to fetch, and how long to wait for it. All fields are required except
// Mirrors, Auth, History, PackTimeout, Objects and Said. Fault is required only if there are
// mirrors.
type Params struct {
	Repo    config.RepoURL
	Mirrors []config.RepoURL // other places to fetch from; none needs to be trusted, since what comes is proven
	Commit  object.ID
	History bool // fetches the ancestors too
	Auth    credential.Credentials

	StallTimeout time.Duration // how long the server may send nothing
	PackTimeout  time.Duration // how long it may prepare a pack, whatever else it sends; zero is DefaultPackTimeout
	FetchTimeout time.Duration // for everything, retries included
	Retries      int           // after transient faults; a negative number for as many as FetchTimeout allows

	Log       *slog.Logger
	Fault     func(error) bool                           // reports whether an error of consume is about the bytes: another source may have better ones
	Asked     func(alone bool)                           // called when a pack is asked for: alone if it is to hold the pin without history
	Receiving func()                                     // called at the first bytes of a pack
	Progress  func(n int64)                              // called when n more bytes of it have arrived
	Objects   func(n uint32)                             // called when the pack's header has announced n objects
	Said      func(line string)                          // called with what the server says about its progress, fit for a log
	Sleep     func(context.Context, time.Duration) error // waits; ends early, with an error, when the context ends
}

// DefaultPackTimeout is how long a server may prepare a pack. Large hosts take minutes for
// large repositories.
const DefaultPackTimeout = 10 * time.Minute

var (
	errStalled  = errors.New("no byte has come from the server for the stall timeout")
	errNoPack   = errors.New("the server is still preparing the pack after the pack timeout")
	errTimedOut = errors.New("the fetch timeout is over")
	// errRefused means that the server sends advertised commits only.
	errRefused = errors.New("the server refuses a commit that no reference points at")
)

// fetcher fetches from one source.
type fetcher struct {
	params Params
	login  credential.Login
	given  []string // secrets that a host gave to the client
	linked []string // those in the links of the last batch of Git LFS contents
	silent int      // how many tries ended in silence before the pack began

	everything bool      // asks for all references with their history, instead of the pin alone
	last       error     // what the last try ended with
	over       bool      // no further try can help
	notBefore  time.Time // when the source may be tried again
}

func newFetcher(p Params) (*fetcher, error) {
	if p.PackTimeout == 0 {
		p.PackTimeout = DefaultPackTimeout
	}
	l, err := p.Auth.Login(p.Repo)
	return &fetcher{params: p, login: l}, err
}

// Fetch calls consume with a pack from Repo, or else from a mirror. If all sources fail, it
// asks those with transient faults again after a pause. consume must begin anew each time.
//
// Errors are [*Error], [*SourcesError] if there are mirrors, [*credential.Error],
// [*remote.NoGitError], those of the context, and those of consume as they are.
func Fetch(ctx context.Context, p Params, consume func(ctx context.Context, pack io.Reader) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.FetchTimeout, errTimedOut)
	defer cancel()
	return p.inTurn(ctx, func(ctx context.Context, f *fetcher) error { return f.once(ctx, consume) })
}

// inTurn asks one source after the other, and after a pause again those with transient
// faults.
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

// once asks the source once for the pin alone. If the server sends advertised commits only,
// it asks for everything instead, then and in later tries.
func (f *fetcher) once(ctx context.Context, consume func(context.Context, io.Reader) error) error {
	err := f.attempt(ctx, f.everything, consume)
	if errors.Is(err, errRefused) && !f.everything {
		f.params.Log.Info("the server sends advertised commits only; fetching all references and their history", "step", "fetch")
		f.everything = true
		err = f.attempt(ctx, f.everything, consume)
	}
	return err
}

// after adds last to an error that says only that time is over: it is why the time did not
// suffice.
func after(err, last error) error {
	var failed *Error
	if last == nil || !errors.As(err, &failed) || failed.Reason != TimedOut {
		return err
	}
	return &Error{Reason: TimedOut, Op: failed.Op, Err: fmt.Errorf("%w; the last try ended with: %w", failed.Err, last)}
}

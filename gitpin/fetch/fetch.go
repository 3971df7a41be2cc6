package fetch

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"

	"gitlauncher/config"
	"gitlauncher/gitpin/object"
)

// Params is what to fetch, and how long to wait for it. All fields but Auth and History
// are required.
type Params struct {
	Repo    config.RepoURL
	Commit  object.ID
	History bool // the ancestors too
	Auth    Credentials

	StallTimeout time.Duration // without a byte of the pack
	FetchTimeout time.Duration // for the whole, retries included
	Retries      int           // after network faults

	Log       *slog.Logger
	Receiving func()                                     // the first bytes of a pack are there
	Progress  func(n int64)                              // so many bytes of it came
	Sleep     func(context.Context, time.Duration) error // waits, or ends with the context
}

var (
	errStalled  = errors.New("no byte of the pack has come for the stall timeout")
	errTimedOut = errors.New("the fetch timeout is over")
	// errRefused: the server sends no commit that it does not advertise.
	errRefused = errors.New("the server refuses a commit that no reference points at")
)

// fetcher gets one pack that holds the pin.
type fetcher struct {
	params Params
	token  string
	web    *web // of the attempt under way; nil but for HTTP
}

func newFetcher(p Params) (*fetcher, error) {
	token, err := p.Auth.token()
	return &fetcher{params: p, token: token}, err
}

// Fetch calls consume with a pack from the server, again after passing faults. consume
// must begin from nothing each time.
//
// Errors are [*Error], [*CredentialError], the context's own, or those of consume as
// they are.
func Fetch(ctx context.Context, p Params, consume func(ctx context.Context, pack io.Reader) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.FetchTimeout, errTimedOut)
	defer cancel()
	f, err := newFetcher(p)
	if err != nil {
		return err
	}
	everything := false // all references with their history, instead of the pin alone
	wait := backoff.NewExponentialBackOff()
	wait.MaxInterval = 30 * time.Second
	for try := 0; ; try++ {
		err := f.attempt(ctx, everything, consume)
		if errors.Is(err, errRefused) && !everything {
			p.Log.Info("the server sends advertised commits only; fetching all references and their history", "step", "fetch")
			everything = true
			err = f.attempt(ctx, everything, consume)
		}
		var failed *Error
		if err == nil || !errors.As(err, &failed) || !failed.retryable() || try >= p.Retries {
			return err
		}
		pause := wait.NextBackOff()
		if f.web != nil && f.web.retry > pause {
			pause = f.web.retry
		}
		p.Log.Warn("fetching failed, trying again", "step", "fetch", "error", err.Error(), "in", pause.Round(time.Millisecond).String(), "left", p.Retries-try)
		if err := p.Sleep(ctx, pause); err != nil {
			return f.classify("waiting to fetch again", context.Cause(ctx))
		}
	}
}

package fetch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/remote"
)

// SourcesError says why none of several sources has the pin. Each of them may fail for
// another reason.
type SourcesError struct {
	Sources []SourceError
	Why     error // why there was no further try; nil if none can help
}

// SourceError says why one source failed.
type SourceError struct {
	Repo config.RepoURL
	Err  error // an [*Error], a [*remote.NoGitError], or an error of consume about the bytes
}

func (e *SourcesError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "none of %d sources has it", len(e.Sources))
	if e.Why != nil {
		fmt.Fprintf(&b, "; %v", e.Why)
	}
	for i, s := range e.Sources {
		fmt.Fprintf(&b, "; %s: %v", SourceName(i, s.Repo), s.Err)
	}
	return b.String()
}

// Unwrap returns what ended each source.
func (e *SourcesError) Unwrap() []error {
	var errs []error
	for _, s := range e.Sources {
		errs = append(errs, s.Err)
	}
	return errs
}

// SourceName names the source that is number i in the config, counted from zero.
func SourceName(i int, repo config.RepoURL) string {
	if i == 0 {
		return fmt.Sprintf("REPO_URL (%s)", repo)
	}
	return fmt.Sprintf("mirror %d (%s)", i, repo)
}

// errShare ends a source that takes so long that too little time would be left for the
// others.
var errShare = errors.New("this source's share of the fetch timeout is over")

var errNotAsked = errors.New("was not asked")

// sources are the places to fetch from. The first is Repo.
type sources []*fetcher

// sources returns one fetcher for each source. A credential goes to Repo's own host alone.
// Authorities are not credentials, and are trusted for all sources.
func (p Params) sources() (sources, error) {
	var all sources
	for _, repo := range append([]config.RepoURL{p.Repo}, p.Mirrors...) {
		one := p
		if one.Repo = repo; !repo.SameHost(p.Repo) {
			one.Auth = p.Auth.Elsewhere()
		}
		f, err := newFetcher(one)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// round asks, in order and once, each source that may still have the pin. again says whether
// another round may help, err why this one did not, and pause the shortest time that a
// source asks to wait.
func (all sources) round(ctx context.Context, try int, ask func(context.Context, *fetcher) error) (pause time.Duration, again bool, err error) {
	pause = -1
	for i, f := range all {
		wait := time.Until(f.notBefore)
		if !f.over && (wait <= 0 || len(all) == 1) {
			before := f.last
			if f.last = f.within(ctx, all.share(ctx, i), ask); f.last == nil {
				return 0, false, nil
			}
			failed, about := all.about(ctx, f)
			if !about {
				return 0, false, f.last
			}
			if ctx.Err() != nil {
				f.last = after(f.last, before)
				return 0, false, all.failed(nil)
			}
			wait = f.judge(failed, try)
			if len(all) > 1 {
				f.params.Log.Warn("a source failed", "step", "fetch", "source", SourceName(i, f.params.Repo), "error", f.last.Error(), "final", f.over)
			}
		}
		if !f.over {
			again = true
			if pause < 0 || wait < pause {
				pause = wait
			}
		}
	}
	return max(0, pause), again, all.failed(nil)
}

// judge notes whether another try may help, and returns how long the source asks to wait
// before it. failed is nil if the fault is in the bytes: they will be the same next time.
func (f *fetcher) judge(failed *Error, try int) time.Duration {
	if failed == nil || !failed.again(try, f.params.Retries) {
		f.over = true
		return 0
	}
	f.notBefore = time.Now().Add(failed.pause)
	return failed.pause
}

// about reports whether a source's error is about that source. Errors of the disk and of the
// whole launch are not; they end everything. failed is the source's failure to transfer, or
// nil.
func (all sources) about(ctx context.Context, f *fetcher) (failed *Error, about bool) {
	if errors.As(f.last, &failed) {
		return failed, true
	}
	var noGit *remote.NoGitError
	several := len(all) > 1 && ctx.Err() == nil
	return nil, several && (errors.As(f.last, &noGit) || f.params.Fault(f.last))
}

// share returns how long source i may take. The time that is left is divided equally among
// it and the sources after it. Zero means no limit.
func (all sources) share(ctx context.Context, i int) time.Duration {
	if len(all) == 1 {
		return 0
	}
	sharing := 0
	for _, f := range all[i:] {
		if !f.over {
			sharing++
		}
	}
	return timeLeft(ctx) / time.Duration(sharing)
}

// within asks the source once, for no longer than its share.
func (f *fetcher) within(ctx context.Context, share time.Duration, ask func(context.Context, *fetcher) error) error {
	if share == 0 {
		return ask(ctx, f)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, share, fmt.Errorf("%w (%v)", errShare, share.Round(time.Millisecond)))
	defer cancel()
	return ask(ctx, f)
}

// failed returns the error of all sources. why says why there was no further try; it may be
// nil.
func (all sources) failed(why error) error {
	if len(all) == 1 {
		var failed *Error
		if why != nil && errors.As(all[0].last, &failed) {
			return &Error{Reason: failed.Reason, Op: failed.Op, Err: fmt.Errorf("%w; %w", failed.Err, why)}
		}
		return all[0].last
	}
	e := &SourcesError{Why: why}
	for _, f := range all {
		err := f.last
		if err == nil {
			err = errNotAsked
		}
		e.Sources = append(e.Sources, SourceError{f.params.Repo, err})
	}
	return e
}

// ended returns the error of all sources after the context has ended.
func (all sources) ended(ctx context.Context) error {
	over := all[0].classify("waiting to fetch again", context.Cause(ctx))
	var failed *Error
	if !errors.As(over, &failed) {
		return over // a signal
	}
	if len(all) == 1 {
		return after(over, all[0].last)
	}
	return all.failed(failed.Err)
}

package main

import (
	"context"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/gitpin/object"
)

// pinned makes a directory the pinned commit, and shows how far it is.
func (l *launch) pinned(ctx context.Context, p gitpin.Params) (*gitpin.Checkout, error) {
	shown := newProgress(l.stderr, l.logFormat, l.log, time.Now)
	defer shown.end()
	p.Progress = shown.add
	p.Stage = func(s gitpin.Stage) {
		if s == gitpin.StageReceived {
			shown.end()
		}
		l.log.Debug("stage " + string(s))
		atStage(string(s))
	}
	return gitpin.Pin(ctx, p)
}

// pinParams are what a config pins, and the settings' bounds.
func (l *launch) pinParams(cfg *config.Git, workDir string) gitpin.Params {
	return gitpin.Params{
		Repo: cfg.Repo, Commit: cfg.Commit, WorkDir: workDir, FullHistory: cfg.FullHistory,
		Auth:         gitpin.Credentials{TokenFile: cfg.AuthTokenFile, SSHKeyFile: cfg.SSHKeyFile, KnownHostsFile: cfg.KnownHostsFile},
		MaxPackBytes: l.maxPackBytes, MaxTreeBytes: l.maxTreeBytes, MaxFiles: l.maxFiles,
		StallTimeout: l.stall, FetchTimeout: l.fetch, LockTimeout: l.lock, Retries: l.retries,
		Log: l.log, Progress: func(int64) {}, Stage: func(gitpin.Stage) {}, Sleep: sleep, Now: time.Now, Hasher: object.NewHasher,
	}
}

// sleep waits, or ends with the context.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

package main

import (
	"context"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/gitpin/object"
)

// pin makes a directory the pinned commit.
func (l *launch) pin(ctx context.Context, cfg *config.Git, workDir string) (*gitpin.Checkout, error) {
	shown := newProgress(l.stderr, l.logFormat, l.log, time.Now)
	defer shown.end()
	return gitpin.Pin(ctx, gitpin.Params{
		Repo: cfg.Repo, Commit: cfg.Commit, WorkDir: workDir, FullHistory: cfg.FullHistory,
		Auth:         gitpin.Credentials{TokenFile: cfg.AuthTokenFile, SSHKeyFile: cfg.SSHKeyFile, KnownHostsFile: cfg.KnownHostsFile},
		MaxPackBytes: l.maxPackBytes, MaxTreeBytes: l.maxTreeBytes, MaxFiles: l.maxFiles,
		StallTimeout: l.stall, FetchTimeout: l.fetch, LockTimeout: l.lock, Retries: l.retries,
		Log: l.log, Progress: shown.add, Sleep: sleep, Now: time.Now, Hasher: object.NewHasher,
		Stage: func(s gitpin.Stage) {
			if s == gitpin.StageReceived {
				shown.end()
			}
			l.log.Debug("stage " + string(s))
			atStage(string(s))
		},
	})
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

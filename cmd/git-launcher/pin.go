package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/gitpin/object"
)

// pinParams says what to pin, and where to.
func (l *launch) pinParams(cfg *config.Git, workDir string) gitpin.Params {
	return gitpin.Params{
		Repo: cfg.Repo, Commit: cfg.Commit, WorkDir: workDir, FullHistory: cfg.FullHistory,
		Auth:         gitpin.Credentials{TokenFile: cfg.AuthTokenFile, SSHKeyFile: cfg.SSHKeyFile, KnownHostsFile: cfg.KnownHostsFile},
		MaxPackBytes: l.maxPackBytes, MaxTreeBytes: l.maxTreeBytes, MaxFiles: l.maxFiles,
		StallTimeout: l.stall, FetchTimeout: l.fetch, LockTimeout: l.lock, Retries: l.retries,
		Log: l.log, Progress: l.progress(), Sleep: sleep, Now: time.Now, Hasher: object.NewHasher,
		Stage: func(s gitpin.Stage) {
			l.log.Debug("stage " + string(s))
			atStage(string(s))
		},
	}
}

// progress shows how many bytes came: a bar on a terminal, else a line every few
// seconds.
func (l *launch) progress() func(int64) {
	if f, ok := l.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) && l.logFormat == "text" {
		bar := progressbar.NewOptions64(-1, progressbar.OptionSetWriter(f), progressbar.OptionShowBytes(true),
			progressbar.OptionSetDescription("receiving"), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
		return func(n int64) { bar.Add64(n) }
	}
	const every = 5 * time.Second
	var total int64
	last := time.Now()
	return func(n int64) {
		total += n
		if now := time.Now(); now.Sub(last) >= every {
			last = now
			l.log.Info(fmt.Sprintf("receiving the pack: %.1f MiB so far", float64(total)/(1<<20)), "step", "fetch")
		}
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

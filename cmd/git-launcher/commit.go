package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/object"
)

// checkout makes a directory the pinned commit, and shows how far it is.
func (l *launch) checkout(ctx context.Context, p gitpin.Params) (*gitpin.Checkout, error) {
	shown := newProgress(l.stderr, l.logFormat, l.log)
	defer shown.end()
	p.Progress, p.Objects, p.Said = shown.add, shown.expect, shown.said
	expect(0)
	p.Expect = expect
	p.Stage = func(s gitpin.Stage) {
		shown.stage(s)
		l.log.Debug("stage " + string(s))
		atStage(string(s))
	}
	return gitpin.Pin(ctx, p)
}

// expect makes the garbage collector hold 100,000 objects within 64 MiB of memory, of
// which the program itself takes 20; more objects may take some 900 bytes each. Small
// repositories come nowhere near, and collecting costs them nothing.
func expect(objects int) {
	const some, few, each = 42 << 20, 110_000, 900
	debug.SetMemoryLimit(some + each*int64(max(0, objects-few)))
}

// pinParams are what a config pins, and the settings' bounds.
func (l *launch) pinParams(cfg *config.Git, workDir string, auth gitpin.Credentials) gitpin.Params {
	return gitpin.Params{
		Repo: cfg.Repo, Mirrors: cfg.Mirrors, Commit: cfg.Commit, WorkDir: workDir, FullHistory: cfg.FullHistory,
		Auth:         auth,
		MaxPackBytes: l.maxPackBytes, MaxTreeBytes: l.maxTreeBytes, MaxFiles: l.maxFiles,
		StallTimeout: l.stall, PackTimeout: l.pack, FetchTimeout: l.fetch, LockTimeout: l.lock, Retries: l.retries,
		Log: l.log, Progress: func(int64) {}, Stage: func(gitpin.Stage) {}, Sleep: sleep, Now: time.Now, Hasher: object.Format.NewHasher,
	}
}

// credentials says where the fetch gets its credentials from. Those in variables are
// taken out of the environment: neither the workload nor its INSTALL_CMD has them.
func credentials(a config.Auth) (gitpin.Credentials, error) {
	c := gitpin.Credentials{
		TokenFile: a.TokenFile, Scheme: a.Scheme, TLSCertFile: a.TLSCertFile, TLSKeyFile: a.TLSKeyFile, TLSCAFile: a.TLSCAFile,
		SSHKeyFile: a.SSHKeyFile, KnownHostsFile: a.KnownHostsFile, HostKey: a.HostKey,
	}
	for _, s := range []struct {
		name string
		into *credential.Secret
	}{{a.TokenEnv, &c.Token}, {a.SSHKeyEnv, &c.SSHKey}} {
		if s.name == "" {
			continue
		}
		value := os.Getenv(s.name)
		if value == "" {
			return gitpin.Credentials{}, &gitpin.CredentialError{Where: "variable " + s.name, Reason: "is not set, or empty"}
		}
		*s.into = credential.NewSecret(s.name, value)
		os.Unsetenv(s.name)
	}
	return c, nil
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

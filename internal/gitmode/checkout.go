package gitmode

import (
	"context"
	"os"
	"runtime/debug"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/object"
	"gitlauncher/internal/progress"
	"gitlauncher/internal/stage"
)

// checkout turns a directory into the pinned commit, and shows its progress.
func (l *Launch) checkout(ctx context.Context, p gitpin.Params) (*gitpin.Checkout, error) {
	shown := progress.New(l.Stderr, l.JSON, l.Log)
	defer shown.End()
	p.Log, p.Progress, p.Objects, p.Said = shown.Log(), shown.Add, shown.Expect, shown.Said
	expect(0)
	p.Expect = expect
	p.Stage = func(s gitpin.Stage) {
		shown.Stage(s)
		p.Log.Debug("stage " + string(s))
		stage.Reached(string(s))
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

// params returns what a config pins, with the bounds.
func (l *Launch) params(cfg *config.Git, workDir string, auth gitpin.Credentials) gitpin.Params {
	b := l.Bounds
	return gitpin.Params{
		Repo: cfg.Repo, Mirrors: cfg.Mirrors, Commit: cfg.Commit, WorkDir: workDir, FullHistory: cfg.FullHistory, Submodules: cfg.Submodules, LFS: cfg.LFS,
		Auth:         auth,
		MaxPackBytes: b.PackBytes, MaxTreeBytes: b.TreeBytes, MaxFiles: b.Files,
		StallTimeout: b.Stall, PackTimeout: b.Pack, FetchTimeout: b.Fetch, LockTimeout: b.Lock, Retries: b.Retries,
		Log: l.Log, Progress: func(int64) {}, Stage: func(gitpin.Stage) {}, Sleep: l.Sleep, Now: time.Now, Hasher: object.Format.NewHasher,
	}
}

// readCredentials returns where the fetch gets its credentials from. Those in variables
// are taken out of the environment: neither the workload nor its INSTALL_CMD has them.
func readCredentials(a config.Auth) (gitpin.Credentials, error) {
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

package gitmode

import (
	"context"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"gitlauncher/config"
	"gitlauncher/config/configfile"
	"gitlauncher/gitpin"
	"gitlauncher/internal/digest"
	"gitlauncher/internal/environ"
	"gitlauncher/internal/guest"
	"gitlauncher/internal/handover"
	"gitlauncher/internal/launcherflags"
	"gitlauncher/internal/receipt"
	"gitlauncher/internal/stage"
	"gitlauncher/internal/step"
)

// Launch is one run of the program, as the command line wants it.
type Launch struct {
	ConfigFile string // as named on the command line, or empty
	Bounds     Bounds
	History    bool // look whether the commit is in the history of a branch or tag
	Guest      guest.Options
	Receipt    receipt.Place

	Log            *slog.Logger
	JSON           bool // whether the log is JSON
	Stdout, Stderr io.Writer
	Sleep          func(context.Context, time.Duration) error
}

// Run is the whole launch: parse, pin (lock, reuse or fetch, prove, materialise), check
// the entry, record, measure, hand over. Whatever fails, the workload is not started. It
// returns only on an error, which is a *[step.Error].
func (l *Launch) Run(ctx context.Context) error {
	in, err := l.parse()
	if err != nil {
		return err
	}
	cfg := in.config
	l.warnWritable()
	agent, err := l.Guest.Agent()
	if err != nil {
		return step.At(step.Agent, err)
	}
	checkout, err := l.checkout(ctx, l.params(cfg, cfg.WorkDir, in.auth))
	if err != nil {
		return step.At(step.Pin, err)
	}
	defer checkout.Close()
	l.Log.Info("HEAD verified: "+cfg.Commit.String(), "tree", checkout.Tree.String(), "files", len(checkout.Files), "submodules", len(checkout.Submodules), "fetched", checkout.Fetched)

	record, err := l.record(cfg, in.sum, checkout)
	if err != nil {
		return step.At(step.Entry, err)
	}
	if err := l.measure(ctx, agent, in, record); err != nil {
		return step.At(step.Measure, err)
	}
	return step.At(step.Start, l.handOver(ctx, cfg))
}

// input is the config that was read: its bytes, where they were, what they say, and the
// credentials that they name.
type input struct {
	name   string // a file or the variable
	text   []byte
	sum    string // SHA-256 of text, in hex
	config *config.Git
	auth   gitpin.Credentials
}

// parse reads the config, and the credentials.
func (l *Launch) parse() (*input, error) {
	name, data, err := configfile.Find(l.ConfigFile, os.LookupEnv)
	if err != nil {
		return nil, step.At(step.Config, err)
	}
	os.Unsetenv(config.ConfigVariable) // neither a nested launcher nor the workload gets it
	cfg, err := config.ParseGit(name, data)
	if err != nil {
		return nil, step.At(step.Config, err)
	}
	for _, source := range append([]config.RepoURL{cfg.Repo}, cfg.Mirrors...) {
		if source.Scheme == config.HTTP {
			l.Log.Warn(source.String() + " is http://: the commit is proven all the same, but others can see and block the transfer")
		}
	}
	auth, err := readCredentials(cfg.Auth)
	if err != nil {
		return nil, step.At(step.Credentials, err)
	}
	return &input{name, data, digest.Of(data).Hex(), cfg, auth}, nil
}

// handOver becomes the workload. It returns only if that fails.
func (l *Launch) handOver(ctx context.Context, cfg *config.Git) error {
	env, removed := environ.Filter(os.Environ(), cfg.AllowEnv)
	removed = slices.DeleteFunc(removed, launcherflags.IsVariable) // nobody misses the launcher's own
	if len(removed) > 0 {
		l.Log.Warn("removed from the workload's environment: " + strings.Join(removed, ", ") + "; ALLOW_ENV=NAME,NAME in the config lets those through that it names")
	}
	w := handover.Workload{
		WorkDir: cfg.WorkDir, Subdir: cfg.Subdir.Clean(), Script: cfg.Script.Clean(), Log: l.Log, Ready: func() { stage.Reached("exec") },
		Env: append(env, "GIT_LAUNCHER_COMMIT="+cfg.Commit.String(), "GIT_LAUNCHER_REPO_URL="+cfg.Repo.String(), "GIT_LAUNCHER_WORK_DIR="+cfg.WorkDir),
	}
	if cfg.Advanced != nil {
		w.Run, w.Install = cfg.Advanced.RunCmd, cfg.Advanced.InstallCmd
	}
	return handover.Exec(ctx, w)
}

// warnWritable warns of a measured launch on a writable root file system, which is not
// measured. What one boot leaves there, the next one runs: dstack keeps a container
// whose compose file has not changed, and no register shows what is in it.
func (l *Launch) warnWritable() {
	var root unix.Statfs_t
	if err := unix.Statfs("/", &root); l.Guest.Measured && (err != nil || root.Flags&unix.ST_RDONLY == 0) {
		l.Log.Warn("WRITABLE ROOT FILE SYSTEM: anyone who becomes root in this container can replace bash and the launcher for the boots to come, and nobody can see that. Add read_only: true to the service; a verifier refuses the launch without it")
	}
}

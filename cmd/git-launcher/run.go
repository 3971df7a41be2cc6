package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"gitlauncher/config"
	"gitlauncher/config/configfile"
	"gitlauncher/gitpin"
	"gitlauncher/internal/digest"
	"gitlauncher/internal/environ"
	"gitlauncher/internal/handover"
	"gitlauncher/internal/version"
	"gitlauncher/measure"
)

// launch is one run of the program.
type launch struct {
	*settings
	log            *slog.Logger
	stdout, stderr io.Writer
}

// run is the whole launch: parse, pin (lock, reuse or fetch, prove, materialise),
// check the entry, record, measure, hand over. Whatever fails, the workload is not
// started. It returns only on an error.
func (l *launch) run(ctx context.Context) error {
	in, err := l.parse()
	if err != nil {
		return at("read the config", err)
	}
	cfg := in.config
	auth, err := credentials(cfg.Auth)
	if err != nil {
		return at("read the credentials", err)
	}
	l.warnWritable()
	agent, err := l.agent()
	if err != nil {
		return at("find the guest agent", err)
	}
	checkout, err := l.checkout(ctx, l.pinParams(cfg, cfg.WorkDir, auth))
	if err != nil {
		return at(stepPin, err)
	}
	defer checkout.Close()
	l.log.Info("HEAD verified: "+cfg.Commit.String(), "tree", checkout.Tree.String(), "files", len(checkout.Files), "fetched", checkout.Fetched)

	record, err := l.record(cfg, in.sum, checkout)
	if err != nil {
		return at("check the entry script", err)
	}
	if err := l.measure(ctx, agent, in, record); err != nil {
		return at(stepMeasure, err)
	}
	return at("start the workload", l.handOver(ctx, cfg))
}

// input is the config that was read: its bytes, where they were, and what they say.
type input struct {
	name   string // a file or the variable
	text   []byte
	sum    string // SHA-256 of text, in hex
	config *config.Git
}

// parse reads the config.
func (l *launch) parse() (*input, error) {
	name, data, err := configfile.Find(l.configFile, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	os.Unsetenv(config.ConfigVariable) // neither a nested launcher's nor the workload's
	cfg, err := config.ParseGit(name, data)
	if err != nil {
		return nil, err
	}
	for _, source := range append([]config.RepoURL{cfg.Repo}, cfg.Mirrors...) {
		if source.Scheme == config.HTTP {
			l.log.Warn(source.String() + " is http://: the commit is proven all the same, but others can see and block the transfer")
		}
	}
	return &input{name, data, digest.Of(data).Hex(), cfg}, nil
}

// record checks that the pinned tree has what the config wants to run, and returns the
// launch record.
func (l *launch) record(cfg *config.Git, configSum string, c *gitpin.Checkout) ([]byte, error) {
	if submodules, lfs := c.NotFetched(); submodules+lfs > 0 {
		l.log.Warn("submodules and Git LFS contents are not fetched; their places are empty directories and pointer files", "submodules", submodules, "lfs", lfs)
	}
	r := measure.GitRecord{
		Launcher: version.String(), ConfigSHA256: configSum,
		RepoURL: cfg.Repo.String(), Commit: cfg.Commit.String(), Tree: c.Tree.String(),
		ContentSHA256: c.ContentSHA256(), Subdir: cfg.Subdir.String(),
	}
	if err := holds("CONTENT_SHA256", cfg.ContentSHA256, r.ContentSHA256); err != nil {
		return nil, err
	}
	if cfg.Advanced != nil {
		r.Advanced, r.RunCmd, r.InstallCmd = true, cfg.Advanced.RunCmd, cfg.Advanced.InstallCmd
		if err := c.Directory(cfg.Subdir.Clean()); err != nil {
			return nil, err
		}
		return r.Marshal()
	}
	script, err := c.Script(path.Join(cfg.Subdir.Clean(), cfg.Script.Clean()))
	if err != nil {
		return nil, err
	}
	r.Entrypoint, r.EntrypointSHA256 = cfg.Script.String(), hex.EncodeToString(script.SHA256[:])
	if err := holds("ENTRYPOINT_SHA256", cfg.EntrypointSHA256, r.EntrypointSHA256); err != nil {
		return nil, err
	}
	return r.Marshal()
}

// contentError is a commit whose bytes are not those that the config has beside its id.
type contentError struct{ key, want, got string }

func (e *contentError) Error() string {
	return fmt.Sprintf("the config has %s=%s, and the commit has %s", e.key, e.want, e.got)
}

// holds compares a hash with the one that the config requires, if it does.
func holds(key string, want digest.SHA256, got string) error {
	if !want.IsZero() && want.Hex() != got {
		return &contentError{key, want.Hex(), got}
	}
	return nil
}

// handOver becomes the workload. It returns only if that fails.
func (l *launch) handOver(ctx context.Context, cfg *config.Git) error {
	env, removed := environ.Filter(os.Environ(), cfg.AllowEnv)
	for _, name := range removed {
		l.log.Warn("removed " + name + " from the workload's environment; ALLOW_ENV=" + name + " in the config lets it through")
	}
	w := handover.Workload{
		WorkDir: cfg.WorkDir, Subdir: cfg.Subdir.Clean(), Script: cfg.Script.Clean(), Log: l.log, Ready: func() { atStage("exec") },
		Env: append(env, "GIT_LAUNCHER_COMMIT="+cfg.Commit.String(), "GIT_LAUNCHER_REPO_URL="+cfg.Repo.String(), "GIT_LAUNCHER_WORK_DIR="+cfg.WorkDir),
	}
	if cfg.Advanced != nil {
		w.Run, w.Install = cfg.Advanced.RunCmd, cfg.Advanced.InstallCmd
	}
	return handover.Exec(ctx, w)
}

// warnWritable tells of a launch that is measured, and stands on a root file system that
// is not. What one boot leaves there, the next one runs: dstack keeps a container whose
// compose file has not changed, and no register shows what is in it.
func (l *launch) warnWritable() {
	var root unix.Statfs_t
	if err := unix.Statfs("/", &root); l.measured && (err != nil || root.Flags&unix.ST_RDONLY == 0) {
		l.log.Warn("WRITABLE ROOT FILE SYSTEM: whoever becomes root in this container can replace bash and the launcher for the boots to come, and nobody can see that. Add read_only: true to the service; a verifier refuses the launch without it")
	}
}

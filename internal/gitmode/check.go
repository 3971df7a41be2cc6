package gitmode

import (
	"context"
	"fmt"
	"os"
	"path"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/internal/atomicfile"
	"gitlauncher/internal/author"
	"gitlauncher/internal/entryscript"
	"gitlauncher/internal/step"
)

// Check does what Run does up to measuring, in a temporary directory, and prints the
// launch record. It compares the config with the compose file that will deploy it, if
// there is one, and writes the policy that expects the launch, if that is wanted.
// Errors are those of Run.
func (l *Launch) Check(ctx context.Context, composeFile, policyOut string) error {
	in, err := l.parse()
	if err != nil {
		return err
	}
	deployed, err := l.deployment(composeFile, in)
	if err != nil {
		return step.At("read the compose file", err)
	}
	var record []byte
	err = l.prove(ctx, in.config, in.auth, func(c *gitpin.Checkout) (err error) {
		record, err = l.record(in.config, in.sum, c)
		return step.At(step.Entry, err)
	})
	if err != nil {
		return err
	}
	if policyOut != "" {
		expected := author.Expectations{Config: in.config, Record: record, ComposeSHA256: deployed.SHA256, Envs: deployed.Envs}
		policy, err := expected.Policy()
		if err == nil {
			err = atomicfile.Write(policyOut, policy, 0o644)
		}
		if err != nil {
			return step.At(step.Policy, err)
		}
	}
	_, err = l.Stdout.Write(append(record, '\n'))
	return step.At("print the record", err)
}

// deployment returns how the compose file deploys the config, and logs it.
func (l *Launch) deployment(composeFile string, in *input) (*author.Deployment, error) {
	if composeFile == "" {
		return &author.Deployment{Envs: in.config.Auth.Variables()}, nil
	}
	d, err := author.ReadCompose(composeFile, in.sum)
	if err != nil {
		return nil, err
	}
	if d.Service == "" {
		l.Log.Warn("the compose file has no config in "+config.ConfigVariable+": its service must find this one in a file", "file", composeFile, "sha256", d.SHA256)
	} else {
		l.Log.Info("the compose file deploys this config, byte for byte", "file", composeFile, "service", d.Service, "sha256", d.SHA256)
	}
	return d, nil
}

// prove pins the commit as a launch does, in a temporary directory, logs whether
// anything published leads to it, and calls use with the checkout.
func (l *Launch) prove(ctx context.Context, cfg *config.Git, auth gitpin.Credentials, use func(*gitpin.Checkout) error) error {
	tmp, err := os.MkdirTemp("", "git-launcher-check-")
	if err != nil {
		return step.At("make a temporary directory", err)
	}
	defer os.RemoveAll(tmp)
	params := l.params(cfg, path.Join(tmp, "workload"), auth)
	checkout, err := l.checkout(ctx, params)
	if err != nil {
		return step.At(step.Pin, err)
	}
	defer checkout.Close()
	l.Log.Info("HEAD verified: "+cfg.Commit.String(), "tree", checkout.Tree.String(), "files", len(checkout.Files), "submodules", len(checkout.Submodules))
	l.reachable(ctx, params, tmp)
	if err := l.sources(ctx, params, tmp); err != nil {
		return step.At(step.Pin, err)
	}
	l.remark(ctx, cfg, params.WorkDir)
	return use(checkout)
}

// remark warns of what would make the entry script fail where nobody watches. It never
// fails a check: a launch runs with bash whatever was pinned.
func (l *Launch) remark(ctx context.Context, cfg *config.Git, workDir string) {
	root, err := os.OpenRoot(workDir) // a link in the tree leads nowhere else
	if err != nil {
		return
	}
	defer root.Close()
	what, script, before := "RUN_CMD", []byte(nil), ""
	if cfg.Advanced != nil {
		script, before = []byte(cfg.Advanced.RunCmd), cfg.Advanced.InstallCmd+"\n"
	} else {
		what = path.Join(cfg.Subdir.Clean(), cfg.Script.Clean())
		const most = 4 << 20 // bytes; what is larger is no script that somebody wrote
		info, err := root.Stat(what)
		if err != nil || info.Size() > most {
			return // the step that needs it says why
		}
		if script, err = root.ReadFile(what); err != nil {
			return
		}
	}
	calls := entryscript.Calls(append([]byte(before), script...), func(name string) (is, may bool) {
		info, err := root.Stat(path.Join(cfg.Subdir.Clean(), name))
		return err == nil && info.Mode().IsRegular(), err == nil && info.Mode()&0o111 != 0
	})
	for _, found := range append(entryscript.Look(ctx, script), calls...) {
		l.Log.Warn(fmt.Sprintf("%.200q %s", what, found))
	}
	if cfg.Advanced == nil && !entryscript.HandsOver(script) {
		l.Log.Info(fmt.Sprintf("%.200q does not end with exec: bash does not hand signals on to the workload", what))
	}
}

// sources logs which of several sources have the commit. One that fails is a warning: a
// launch today would work.
func (l *Launch) sources(ctx context.Context, params gitpin.Params, dir string) error {
	if len(params.Mirrors) == 0 {
		return nil
	}
	return gitpin.EachSource(ctx, params, dir, func(source string, err error) {
		if err != nil {
			l.Log.Warn("A SOURCE FAILS: a launch has to do with the others", "source", source, "error", err.Error())
			return
		}
		l.Log.Info("a source has the commit, proven from it alone", "source", source)
	})
}

// reachable warns of a commit that may vanish. It never fails a check: a launch today
// would work.
func (l *Launch) reachable(ctx context.Context, params gitpin.Params, dir string) {
	reach, err := gitpin.Reachable(ctx, params, l.History, dir)
	switch {
	case err != nil:
		l.Log.Warn("whether a branch or a tag leads to the commit could not be seen", "error", err.Error())
	case reach == gitpin.NotTip:
		l.Log.Info("no branch or tag points at the commit itself; --history looks whether one leads to it")
	case reach == gitpin.Unreached:
		l.Log.Warn("NOT REACHABLE: no branch or tag leads to the commit; the host may drop it at any time. Tag it")
	}
}

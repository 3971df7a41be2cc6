package main

import (
	"context"
	"fmt"
	"os"
	"path"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/internal/entryscript"
)

// check does what run does up to measuring, in a directory of its own.
func (l *launch) check(ctx context.Context) error {
	in, err := l.parse()
	if err != nil {
		return at("read the config", err)
	}
	cfg := in.config
	auth, err := credentials(cfg.Auth)
	if err != nil {
		return at("read the credentials", err)
	}
	deploys := &deployed{envs: cfg.Auth.Variables()}
	if l.compose != "" {
		if deploys, err = readCompose(l.compose, in.sum); err != nil {
			return at("read the compose file", err)
		}
	}
	var record []byte
	err = l.prove(ctx, cfg, auth, func(c *gitpin.Checkout) (err error) {
		record, err = l.record(cfg, in.sum, c)
		return at("check the entry script", err)
	})
	if err != nil {
		return err
	}
	if l.policyOut != "" {
		expected := expectations{config: cfg, record: record, composeSHA256: deploys.sha256, envs: deploys.envs}
		policy, err := expected.policy()
		if err == nil {
			err = writeFile(l.policyOut, policy)
		}
		if err != nil {
			return at("write the policy", err)
		}
	}
	_, err = l.stdout.Write(append(record, '\n'))
	return at("print the record", err)
}

// prove pins the commit as a launch does, in a directory of its own, says whether
// anything published leads to it, and lets use have the checkout.
func (l *launch) prove(ctx context.Context, cfg *config.Git, auth gitpin.Credentials, use func(*gitpin.Checkout) error) error {
	tmp, err := os.MkdirTemp("", "git-launcher-check-")
	if err != nil {
		return at("make a temporary directory", err)
	}
	defer os.RemoveAll(tmp)
	params := l.pinParams(cfg, path.Join(tmp, "workload"), auth)
	checkout, err := l.checkout(ctx, params)
	if err != nil {
		return at(stepPin, err)
	}
	defer checkout.Close()
	l.log.Info("HEAD verified: "+cfg.Commit.String(), "tree", checkout.Tree.String(), "files", len(checkout.Files))
	l.reachable(ctx, params, tmp)
	l.remark(ctx, cfg, params.WorkDir)
	return use(checkout)
}

// remark warns of what would make the entry script fail where nobody watches. It never
// fails a check: a launch runs with bash whatever was pinned.
func (l *launch) remark(ctx context.Context, cfg *config.Git, workDir string) {
	what, script := "RUN_CMD", []byte(nil)
	if cfg.Advanced != nil {
		script = []byte(cfg.Advanced.RunCmd)
	} else {
		what = path.Join(cfg.Subdir.Clean(), cfg.Script.Clean())
		root, err := os.OpenRoot(workDir) // a link in the tree leads nowhere else
		if err != nil {
			return
		}
		defer root.Close()
		const most = 4 << 20 // bytes; what is larger is no script that somebody wrote
		info, err := root.Stat(what)
		if err != nil || info.Size() > most {
			return // the step that needs it says why
		}
		if script, err = root.ReadFile(what); err != nil {
			return
		}
	}
	for _, found := range entryscript.Look(ctx, script) {
		l.log.Warn(fmt.Sprintf("%.200q %s", what, found))
	}
	if cfg.Advanced == nil && !entryscript.HandsOver(script) {
		l.log.Info(fmt.Sprintf("%.200q does not end with exec: bash does not hand signals on to the workload", what))
	}
}

// reachable warns of a commit that may vanish. It never fails a check: a launch today
// would work.
func (l *launch) reachable(ctx context.Context, params gitpin.Params, dir string) {
	reach, err := gitpin.Reachable(ctx, params, l.history, dir)
	switch {
	case err != nil:
		l.log.Warn("whether a branch or a tag leads to the commit could not be seen", "error", err.Error())
	case reach == gitpin.NotTip:
		l.log.Info("no branch or tag points at the commit itself; --history looks whether one leads to it")
	case reach == gitpin.Unreached:
		l.log.Warn("NOT REACHABLE: no branch or tag leads to the commit; the host may drop it at any time. Tag it")
	}
}

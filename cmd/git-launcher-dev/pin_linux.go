package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"gitlauncher/config"
	"gitlauncher/gitpin"
	"gitlauncher/internal/advice"
	"gitlauncher/internal/atomicfile"
	"gitlauncher/internal/author"
	"gitlauncher/internal/cli"
	"gitlauncher/internal/clone"
	"gitlauncher/internal/deployment"
	"gitlauncher/internal/gitmode"
	"gitlauncher/internal/launcherflags"
	"gitlauncher/internal/step"
)

// defaultOut is the folder of a deployment.
const defaultOut = "deploy"

type pinFlags struct {
	out              string
	update, rollback bool
	history          bool
	bounds           gitmode.Bounds
	wish             author.Wish
	auth             gitpin.Credentials
}

func (p *program) pinCommand() *cobra.Command {
	var f pinFlags
	cmd := &cobra.Command{
		Use:   "pin [REPO_URL|.] [REF]",
		Short: "Write a deployment that pins a commit, or move one to another commit",
		Long: `pin turns a branch, a tag or a commit into a commit id, proves the commit as a launch
does, and writes config.conf, docker-compose.yaml and policy.conf. With "." (the default)
it takes origin and HEAD of the clone here; HEAD must have been pushed. A file that is there
already, with something else in it, is never replaced.

These files are yours to edit. --update [REF] moves them to another commit (default: what
the repository's default branch has now): it changes the commit and the hashes that follow
from it where they stand, keeps every other byte, and shows the commits between.
--rollback goes back to the commit before. What was pinned is kept in pins.log.

Each of these ends with what lint says of the compose file.

Exit codes, as the launcher's: 2 for usage or config, 3 where fetching failed, 4 where the
pin is not met, or check D will not pass.`,
		Example: `  git-launcher-dev pin . --image registry.example/git-launcher@sha256:…
  git-launcher-dev pin https://github.com/you/workload.git v1.0 --out deploy --os-image dstack-0.6.6
  git-launcher-dev pin --update v1.1
  git-launcher-dev pin --rollback`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return advised(p.pin(cmd, &f, args)) },
	}
	fs := cmd.Flags()
	cli.Text(fs, &f.out, "out", "DIR", defaultOut, "folder of the deployment")
	fs.BoolVar(&f.update, "update", false, "move a deployment to another commit")
	fs.BoolVar(&f.rollback, "rollback", false, "move a deployment back to the commit before")
	fs.BoolVar(&f.history, "history", false, "look whether the commit is in the history of a branch or tag")
	cli.Text(fs, &f.wish.Image, "image", "IMAGE", "", "launcher image, by digest")
	cli.Text(fs, &f.wish.OSImage, "os-image", "NAME|HEX", "", "the VM's OS image, as dstack-0.6.6, or its os_image_hash")
	cli.Texts(fs, &f.wish.Envs, "env", "NAME", "variable that is passed on to the workload, unmeasured")
	cli.Texts(fs, &f.wish.Sets, "set", "KEY=VALUE", "a line of the config")
	cli.Text(fs, &f.auth.TokenFile, "auth-token-file", "FILE", "", "your token for the repository")
	cli.Text(fs, (*string)(&f.auth.Scheme), "auth-scheme", "basic|bearer", string(config.Basic), "how the token is sent")
	cli.Text(fs, &f.auth.TLSCAFile, "tls-ca-file", "FILE", "", "certificate of the host's own authority")
	cli.Text(fs, &f.auth.TLSCertFile, "tls-client-cert-file", "FILE", "", "your certificate for the host")
	cli.Text(fs, &f.auth.TLSKeyFile, "tls-client-key-file", "FILE", "", "its key")
	cli.Text(fs, &f.auth.SSHKeyFile, "ssh-key-file", "FILE", "", "your key for the repository")
	cli.Text(fs, &f.auth.KnownHostsFile, "ssh-known-hosts-file", "FILE", "", "the host's keys")
	boundFlags(fs, &f.bounds)
	return cmd
}

func (p *program) pin(cmd *cobra.Command, f *pinFlags, args []string) error {
	err := f.bounds.Check()
	switch {
	case err != nil:
		return err
	case f.update && f.rollback:
		return cli.Usagef("--update and --rollback exclude each other")
	case (f.update || f.rollback) && (cmd.Flags().Changed("image") || cmd.Flags().Changed("set") || cmd.Flags().Changed("env") || cmd.Flags().Changed("os-image")):
		return cli.Usagef("--update and --rollback change the commit alone; edit the files for the rest")
	case f.rollback && len(args) > 0, f.update && len(args) > 1:
		return cli.Usagef("--update takes a branch, a tag or a commit, if anything; --rollback takes nothing")
	case f.update || f.rollback:
		err = p.move(cmd.Context(), f, first(args, ""))
	default:
		err = p.write(cmd.Context(), f, args)
	}
	if err != nil {
		return err
	}
	return p.lint(cmd.Context(), f.out, "")
}

// write writes a new deployment.
func (p *program) write(ctx context.Context, f *pinFlags, args []string) error {
	address, ref := first(args, "."), ""
	if len(args) > 1 {
		ref = args[1]
	}
	if address == "." {
		origin, head, err := p.here(ctx, f.out)
		if err != nil {
			return err
		}
		if address = origin; ref == "" {
			ref = head
		}
	}
	repo, err := config.ParseRepoURL(address)
	if err != nil {
		return cli.Usagef("REPO_URL %w", err)
	}
	if err := f.wish.Check(); err != nil {
		return err
	}
	if f.wish.Image == "" {
		p.say("NOTE: the compose file's image is a placeholder; --image NAME@sha256:HEX names the launcher's")
	}
	if repo.Scheme == config.File {
		p.say("NOTE: %s is a folder of this machine; a VM can't fetch from it", repo)
	}
	texts, err := p.launcher(f.bounds, f.history).Texts(ctx, &gitmode.PinRequest{Repo: repo, Ref: ref, Auth: f.auth, Wish: f.wish})
	if err != nil {
		return err
	}
	if err := deployment.Fresh(f.out, texts); err != nil {
		return err
	}
	if err := os.MkdirAll(f.out, 0o755); err != nil {
		return err
	}
	for _, t := range texts {
		at := filepath.Join(f.out, t.File)
		if isFile(at) {
			p.say("%s is so already", at)
		} else if err := atomicfile.Write(at, []byte(t.Text), 0o644); err != nil {
			return err
		} else {
			p.say("wrote %s", at)
		}
	}
	folder, err := deployment.Read(f.out)
	if err != nil {
		return err
	}
	history, err := deployment.History(f.out)
	if now := folder.Git.Commit.String(); err == nil && (len(history) == 0 || history[len(history)-1] != now) {
		err = deployment.Remember(f.out, append(history, now), time.Now())
	}
	return err
}

// here is origin and HEAD of the clone that we are in.
func (p *program) here(ctx context.Context, out string) (origin, head string, err error) {
	c, err := clone.Open(ctx, ".")
	if err != nil {
		return "", "", cloneHint(err)
	}
	if origin, err = c.Origin(ctx); err != nil {
		return "", "", hint(err, "name the repository that the VM is to fetch from: git-launcher-dev pin REPO_URL")
	}
	if head, err = c.Head(ctx); err != nil {
		return "", "", err
	}
	published, err := c.Published(ctx, head)
	if err != nil {
		return "", "", err
	}
	if !published {
		return "", "", hint(fmt.Errorf("HEAD, commit %s, is on no branch of origin as this clone knows it: a VM could not fetch it", head), "git push, then pin again (git fetch, if somebody else has pushed it)")
	}
	dirty, err := c.Dirty(ctx)
	dirty = slices.DeleteFunc(dirty, func(name string) bool { return filepath.Clean(name) == filepath.Clean(out) }) // ours
	if err == nil && len(dirty) > 0 {
		p.say("NOTE: uncommitted changes are not in HEAD, and so not pinned: %s", shortList(dirty))
	}
	return origin, head, nil
}

// move moves a deployment to another commit: a named one, or the one before.
func (p *program) move(ctx context.Context, f *pinFlags, name string) error {
	folder, err := deployment.Read(f.out)
	if err != nil {
		return hint(err, "name the deployment's folder with --out, or write one: git-launcher-dev pin")
	}
	now := folder.Git.Commit.String()
	history, err := deployment.History(f.out)
	if err != nil {
		return err
	}
	if f.rollback {
		if history, err = deployment.Before(history, now); err != nil {
			return hint(fmt.Errorf("%s: %w", f.out, err), "name the commit: git-launcher-dev pin --update COMMIT")
		}
		name = history[len(history)-1]
	} else if len(history) == 0 || history[len(history)-1] != now {
		history = append(history, now)
	}
	launcher := p.launcher(f.bounds, f.history)
	commit, err := launcher.Resolve(ctx, folder.Git.Repo, name, f.auth)
	if err != nil {
		return err
	}
	if commit.String() == now {
		p.say("%s pins %s already", f.out, now)
		return nil
	}
	cfg, err := folder.Unpinned(commit.String())
	if err != nil {
		return err
	}
	record, err := launcher.Prove(ctx, cfg, f.auth)
	if err != nil {
		return err
	}
	to, err := deployment.Of(record)
	if err != nil {
		return err
	}
	next, err := folder.Pin(to)
	if err != nil {
		return err
	}
	if err := next.Write(); err != nil {
		return err
	}
	if !f.rollback {
		history = append(history, to.Commit)
	}
	if err := deployment.Remember(f.out, history, time.Now()); err != nil {
		return err
	}
	p.say("%s: from %s to %s", f.out, now, to.Commit)
	p.between(ctx, now, to.Commit)
	return nil
}

// between shows what changes for those who read the code, if there is a clone at hand.
func (p *program) between(ctx context.Context, from, to string) {
	const most = 20
	c, err := clone.Open(ctx, ".")
	var lines []string
	after := true
	if err == nil {
		lines, after, err = c.Between(ctx, from, to, most+1)
	}
	switch {
	case err != nil:
		p.say("what changes can't be shown here (%v): run it in a clone of the workload that has both", err)
		return
	case after:
		p.say("it adds:")
	default:
		p.say("it takes back:")
	}
	for _, line := range lines[:min(len(lines), most)] {
		p.say("  %s", line)
	}
	if len(lines) > most {
		p.say("  … and more")
	}
}

// launcher proves commits as a launch does, and logs for people.
func (p *program) launcher(bounds gitmode.Bounds, history bool) *gitmode.Launch {
	lines := &cli.Lines{Say: p.say, Raw: p.stderr}
	log := slog.New(slog.NewJSONHandler(lines, nil))
	var shown io.Writer = p.stderr
	if p.quiet {
		shown = io.Discard
	}
	return &gitmode.Launch{Bounds: bounds, History: history, Log: log, Stdout: p.stdout, Stderr: shown, Sleep: sleep}
}

// boundFlags are the launcher's own, for repositories that need more.
func boundFlags(fs *pflag.FlagSet, b *gitmode.Bounds) {
	launcher := make(launcherflags.Destinations)
	b.Flags(launcher)
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.SortFlags = false
	for _, f := range [][3]string{
		{"max-pack-bytes", "N", "largest transfer"},
		{"max-tree-bytes", "N", "largest checkout"},
		{"max-files", "N", "most entries in the tree"},
		{"stall-timeout", "D", "longest time without a byte from the server"},
		{"pack-timeout", "D", "longest time until the server begins to send the pack"},
		{"fetch-timeout", "D", "longest time for the whole fetch"},
		{"retries", "N", "most further tries after faults that may pass"},
	} {
		cli.Func(own, f[0], f[1], f[2], launcher[f[0]].Set)
	}
	cli.Under(own, "Limits, with the launcher's defaults:")
	fs.AddFlagSet(own)
}

// advised adds to an error what the launcher says of it: what to do, and the exit code.
func advised(err error) error {
	var usage *step.UsageError
	var known *hinted
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &usage):
		return &cli.UsageError{Err: err}
	}
	if code, do := advice.Git(err); do != "" {
		return &hinted{err, do, code}
	}
	return err
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

// shortList names a few of many.
func shortList(names []string) string {
	const most = 3
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

func (p *program) checkCommand() *cobra.Command {
	var compose, policyOut string
	var history bool
	var bounds gitmode.Bounds
	cmd := &cobra.Command{
		Use:   "check [CONFIG]",
		Short: "Do all of a launch but measuring and running",
		Long: `check reads the config (default: deploy/config.conf), fetches and proves the commit in a
temporary folder, looks at the entry script, and prints the launch record: the same
command as git-launcher check, from the same packages, with the same exit codes.`,
		Example: `  git-launcher-dev check
  git-launcher-dev check --compose docker-compose.yaml --policy-out policy.conf config.conf`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := bounds.Check(); err != nil {
				return advised(err)
			}
			l := p.launcher(bounds, history)
			l.ConfigFile = first(args, filepath.Join(defaultOut, deployment.ConfigFile))
			return advised(l.Check(cmd.Context(), compose, policyOut))
		},
	}
	fs := cmd.Flags()
	cli.Text(fs, &compose, "compose", "FILE", "", "the compose file that deploys the config, to compare")
	cli.Text(fs, &policyOut, "policy-out", "FILE", "", "where to write the policy that expects the launch")
	fs.BoolVar(&history, "history", false, "look whether the commit is in the history of a branch or tag")
	boundFlags(fs, &bounds)
	return cmd
}

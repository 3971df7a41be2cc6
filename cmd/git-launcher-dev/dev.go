package main

import (
	"errors"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"gitlauncher/internal/cli"
	"gitlauncher/internal/clone"
	"gitlauncher/internal/sim"
	"gitlauncher/internal/trial"
	"gitlauncher/internal/version"
)

type devFlags struct {
	line, keep, image, simImage string
	sets, publish               []string
	watch, docker               bool
}

func (p *program) devCommand() *cobra.Command {
	var f devFlags
	cmd := &cobra.Command{
		Use:   "dev [DIR]",
		Short: "Launch a clone on this machine, with a simulated guest agent and a verdict",
		Long: `dev launches what the clone in DIR (default: here) holds: HEAD, or uncommitted changes,
which it says. A simulated guest agent measures the launch, the workload runs in the
foreground, and when it ends, or Ctrl-C ends it, the verifier judges the receipt.

It needs no account, no root and no TEE, and changes nothing in the clone. Files that
git ignores are not there, as in a deployment. The verdict is under the simulator's
root: it proves nothing to anybody.

Without --docker this machine stands in for the launcher's image, and must be Linux.
With it the image runs, by the compose file that pin writes, on the Docker Engine of this
machine; "make image" in a clone of git-launcher makes the images. Images with a
language: git-launcher-python, git-launcher-node and git-launcher-go.

Exit code: the launcher's or the workload's; if that is 0, or Ctrl-C ended the workload,
the verifier's: 0 for VERIFIED.`,
		Example: `  git-launcher-dev dev                      # what this folder holds
  git-launcher-dev dev --watch              # again whenever it changes
  git-launcher-dev dev --dstack 0.5 --keep evidence
  git-launcher-dev dev --set REPO_SUBDIR=service --set ENTRYPOINT_SCRIPT=run.sh
  git-launcher-dev dev --docker --image git-launcher-python:v1.0.0 --publish 8080:8080`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: directories,
		RunE:              func(cmd *cobra.Command, args []string) error { return p.dev(cmd, &f, first(args, ".")) },
	}
	fs := cmd.Flags()
	cli.Text(fs, &f.line, "dstack", "0.5|0.6", string(sim.V06), "line of dstack to stand in for: 0.5 records launches, 0.6 has them pinned")
	fs.BoolVar(&f.watch, "watch", false, "launch again when the folder changes")
	fs.BoolVar(&f.docker, "docker", false, "launch in the launcher's image, on Docker")
	cli.Text(fs, &f.image, "image", "IMAGE", "", "with --docker: the image (default git-launcher:VERSION of this program)")
	cli.Text(fs, &f.simImage, "sim-image", "IMAGE", "", "with --docker: the simulator's (default dstack-sim:VERSION)")
	cli.Texts(fs, &f.publish, "publish", "PORT:PORT", "with --docker: a port of this machine that is to lead to one of the workload's")
	cli.Text(fs, &f.keep, "keep", "DIR", "", "folder to keep receipt, policy and collateral in")
	cli.Texts(fs, &f.sets, "set", "KEY=VALUE", "a line of the config")
	return cmd
}

func (p *program) dev(cmd *cobra.Command, f *devFlags, dir string) error {
	line, err := sim.ParseLine(f.line)
	if err != nil {
		return cli.Usagef("--dstack: %w", err)
	}
	if !f.docker && (f.image != "" || f.simImage != "" || f.publish != nil) {
		return cli.Usagef("--image, --sim-image and --publish are for --docker")
	}
	ctx := cmd.Context()
	c, err := clone.Open(ctx, dir)
	if err != nil {
		return cloneHint(err)
	}
	verifier, err := beside("git-launcher-verify")
	if err != nil {
		return err
	}
	machine, err := f.machine(cmd)
	if err != nil {
		return err
	}
	code, err := trial.Run(ctx, trial.Options{
		Clone: c, Machine: machine, Line: line, Sets: f.sets, Watch: f.watch, Keep: f.keep, Verifier: verifier,
		Say: p.say, Stdout: p.stdout, Stderr: p.stderr,
	})
	if err == nil && code != 0 {
		return cli.ExitError(code)
	}
	return err
}

func (f *devFlags) machine(cmd *cobra.Command) (trial.Machine, error) {
	if !f.docker {
		launcher, err := beside("git-launcher")
		if err != nil {
			launcher = "" // there is none for systems other than Linux, which is said first
		}
		machine, refused := trial.Native(launcher)
		if refused != nil {
			return nil, refused
		}
		return machine, err
	}
	image, simImage := f.image, f.simImage
	if image == "" {
		image = "git-launcher:" + tag()
	}
	if simImage == "" {
		simImage = "dstack-sim:" + tag()
	}
	machine, err := trial.Docker(cmd.Context(), image, simImage, f.publish)
	var missing *trial.NoImageError
	if errors.As(err, &missing) {
		return nil, hint(err, "name one that it has (--image, --sim-image), or make it in a clone of git-launcher: make image && go run ./image/build save | docker load")
	}
	return machine, err
}

// tag is the tag that the images of this program's version have.
func tag() string {
	return strings.Trim(regexp.MustCompile(`[^\w.-]+`).ReplaceAllString(version.String(), "-"), "-.")
}

func cloneHint(err error) error {
	switch {
	case errors.Is(err, clone.ErrNoClone):
		return hint(err, "run it in a clone of the workload, or name one; git init makes one of any folder")
	case errors.Is(err, clone.ErrNoGit):
		return hint(err, "install git")
	}
	return err
}

// directories completes an argument with the names of folders.
func directories(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// Command git-launcher-dev is for the authors of workloads: it tries a clone as a
// deployment would run it, writes deployments and keeps them up to date, and says what a
// relying party will refuse. It runs where the author works, never in the VM.
//
// This package is wiring: package trial launches, deployment keeps the folder, lint judges.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"

	"gitlauncher/internal/cli"
	"gitlauncher/internal/step"
	"gitlauncher/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// The exit codes beside those of launcher, workload and verifier.
const (
	exitOther   = 1
	exitUsage   = 2
	exitRefused = 4
)

// hinted is an error with what to do about it, and its exit code.
type hinted struct {
	error
	hint string
	code int
}

func hint(err error, do string) error { return &hinted{err, do, exitOther} }

func (h *hinted) Unwrap() error { return h.error }

// program is what all commands share.
type program struct {
	quiet          bool
	stdout, stderr io.Writer
}

// say is a line for people, on standard error: standard output is for what is asked for.
func (p *program) say(format string, args ...any) {
	if !p.quiet {
		fmt.Fprintf(p.stderr, format+"\n", args...)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	p := &program{stdout: stdout, stderr: stderr}
	root := &cobra.Command{
		Use:   "git-launcher-dev",
		Short: "Try, pin and check a workload for git-launcher",
		Long: `git-launcher-dev is for the authors of workloads: it tries a clone as a deployment
would run it, writes deployments and keeps them up to date, and says what a relying
party will refuse. It runs where you work, never in the VM.`,
		Example: `  git-launcher-dev dev                                  # launch this clone, with a verdict
  git-launcher-dev pin . --image registry/git-launcher@sha256:…   # write deploy/
  git-launcher-dev pin --update                         # the newest commit, in a deployment that you edited
  git-launcher-dev lint deploy                          # what a relying party will refuse`,
	}
	root.PersistentFlags().BoolVarP(&p.quiet, "quiet", "q", false, "say nothing but results and errors")
	root.AddCommand(p.devCommand(), p.pinCommand(), p.lintCommand(), p.checkCommand())
	cli.Prepare(root, version.String(), stdout, stderr)
	return p.report(cli.Execute(ctx, root, args))
}

// report says what failed and what to do, and returns the exit code.
func (p *program) report(err error) int {
	var (
		code  cli.ExitError
		usage *cli.UsageError
		known *hinted
	)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(p.stderr, "git-launcher-dev: %v\n", err)
	if errors.As(err, &known) {
		fmt.Fprintf(p.stderr, "What to do: %s.\n", known.hint)
		return known.code
	}
	var refused *step.UsageError
	if errors.As(err, &usage) || errors.As(err, &refused) {
		fmt.Fprintln(p.stderr, "See git-launcher-dev --help, and --help of each command.")
		return exitUsage
	}
	return exitOther
}

// beside finds another program of git-launcher: beside this one, or on PATH.
func beside(name string) (string, error) {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if own, err := os.Executable(); err == nil {
		if own, err = filepath.EvalSymlinks(own); err == nil {
			if at := filepath.Join(filepath.Dir(own), name); isFile(at) {
				return at, nil
			}
		}
	}
	at, err := exec.LookPath(name)
	if err != nil {
		return "", hint(fmt.Errorf("%s is neither beside this program nor on PATH", name), "install it from the same release, or `make install` in a clone of git-launcher")
	}
	return at, nil
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// first returns the only argument, or what stands for none.
func first(args []string, none string) string {
	if len(args) == 0 {
		return none
	}
	return args[0]
}

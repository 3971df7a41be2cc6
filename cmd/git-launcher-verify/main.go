// Command git-launcher-verify establishes what ran in a confidential VM, from
// evidence alone. What it judges is package verify's. Each command has the file of its name;
// beside them:
//
//	line.go, settings.go   the flags, their keys of a policy, and what was given
//	commands.go, help.go   the commands as cobra has them, and their manual
//	evidence.go, collateral.go, provenance.go, system.go, image.go   what a judgement reads
//	terminal.go, explain.go   what people see
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"

	"gitlauncher/config"
	"gitlauncher/internal/address"
	"gitlauncher/internal/cli"
	"gitlauncher/internal/inputs"
	"gitlauncher/internal/printable"
	"gitlauncher/internal/sigstore"
	"gitlauncher/verify/report"
)

// The exit codes of VERIFY.md are those of package report, and one more.
const exitUsage = 2

// maxMemory is what the garbage collector keeps to, in bytes. It works harder as the
// program comes near to it; that no evidence needs more, TestWorstEvidence shows.
const maxMemory = 40 << 20

func main() {
	debug.SetMemoryLimit(maxMemory)
	// compose-go warns here of composes that are old-fashioned; the report says
	// what matters.
	logrus.SetOutput(io.Discard)
	// net/http quotes here a server that speaks before it is asked; the error says so.
	log.SetOutput(io.Discard)
	p := &program{files: &inputs.Files{Stdin: os.Stdin}, stdout: os.Stdout, stderr: os.Stderr, now: time.Now}
	os.Exit(p.run(context.Background(), os.Args[1:]))
}

// program is one run, with what it reads and writes.
type program struct {
	files          *inputs.Files
	stdout, stderr io.Writer
	now            func() time.Time
	sigstore       sigstore.Client
	address        address.Client
	quiet          bool
}

// run runs one command line and returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.commands()
	args = withCommand(root, args)
	err := cli.Execute(ctx, root, args)
	var code cli.ExitError
	switch {
	case err == nil:
		return report.ExitVerified
	case errors.As(err, &code):
		return int(code)
	}
	return p.fail(err, helpOf(root, args))
}

// helpOf returns the command line that prints the help of a line's command.
func helpOf(root *cobra.Command, args []string) string {
	cmd, _, err := root.Find(args)
	if err != nil || cmd.Name() == "help" {
		cmd = root
	}
	return cmd.CommandPath() + " --help"
}

// fail prints an error and returns its exit code: a file that can't be had leaves
// the verdict open, a command line that makes no sense is usage, which help explains.
func (p *program) fail(err error, help string) int {
	p.warn(err)
	var u *cli.UsageError
	var large *inputs.LargeError
	var name *inputs.NameError
	var folder *inputs.FolderError
	var c *config.Error
	var invalid *inputs.InvalidError
	switch {
	case errors.As(err, &invalid):
		fmt.Fprintln(p.stderr, "NOT VERIFIED: the evidence can't be read, or is not what it claims to be")
		return report.ExitInvalid
	case errors.As(err, &u), errors.As(err, &c), errors.As(err, &large), errors.As(err, &name), errors.As(err, &folder):
		fmt.Fprintln(p.stderr, "git-launcher-verify: see "+help)
		return exitUsage
	}
	fmt.Fprintln(p.stderr, "UNDECIDED: nothing was judged")
	return report.ExitUndecided
}

// warn prints an error, in which strangers may have had a word.
func (p *program) warn(err error) {
	lines := strings.Split(err.Error(), "\n")
	for i := range lines {
		lines[i] = printable.Text(lines[i])
	}
	fmt.Fprintf(p.stderr, "git-launcher-verify: %s\n", strings.Join(lines, "\n"))
}

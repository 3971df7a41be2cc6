// Command git-launcher-verify establishes what ran in a confidential VM, from
// evidence alone. Its manual is help/manual.txt; what it judges is package verify's.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"gitlauncher/config"
	"gitlauncher/internal/address"
	"gitlauncher/internal/inputs"
	"gitlauncher/internal/printable"
	"gitlauncher/internal/sigstore"
	"gitlauncher/internal/version"
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
}

// usageError is a command line, policy or input file that makes no sense.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// run runs one command and returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	name := "verify"
	if len(args) > 0 {
		switch args[0] {
		case "verify", "inspect", "system", "systems", "checkout", "policy", "version":
			name, args = args[0], args[1:]
		case "serve":
			if err := p.serve(ctx, args[1:]); err != nil {
				return p.fail(err)
			}
			return report.ExitVerified
		case "help", "-h", "-help", "--help":
			fmt.Fprint(p.stdout, usage())
			return 0
		}
	}
	if name == "version" {
		fmt.Fprintln(p.stdout, "git-launcher-verify", version.String())
		return 0
	}
	s, err := p.parse(name, args)
	if errors.Is(err, errHelp) {
		fmt.Fprint(p.stdout, usage())
		return 0
	}
	if err != nil {
		return p.fail(err)
	}
	if err := p.fetch(ctx, s); err != nil {
		return p.fail(err)
	}
	code := report.ExitVerified
	switch name {
	case "inspect":
		err = p.inspect(s)
	case "system":
		code, err = p.system(s)
	case "systems":
		err = p.listSystems(s)
	case "checkout":
		err = p.checkout(s)
	case "policy":
		err = p.policyFrom(ctx, s)
	default:
		if s.explained != "" {
			code, err = p.explain(ctx, s)
			break
		}
		code, err = p.verify(ctx, s)
	}
	if err != nil {
		return p.fail(err)
	}
	return code
}

// fail prints an error and returns its exit code: a file that can't be had leaves
// the verdict open, a command line that makes no sense is usage.
func (p *program) fail(err error) int {
	p.warn(err)
	var u *usageError
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
		fmt.Fprintln(p.stderr, "git-launcher-verify: see git-launcher-verify --help")
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

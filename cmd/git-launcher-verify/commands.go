package main

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"gitlauncher/internal/cli"
	"gitlauncher/internal/version"
	"gitlauncher/policy"
	"gitlauncher/verify/report"
)

// defaultCommand is that of a line which begins with none.
const defaultCommand = "verify"

// commands makes the program's commands.
func (p *program) commands() *cobra.Command {
	root := &cobra.Command{Use: "git-launcher-verify [flags] EVIDENCE", Short: "Establish what ran in a confidential VM", Long: about, Example: examples}
	keys := policy.Keys()
	for _, c := range []struct {
		command cobra.Command
		run     func(context.Context, *settings) (int, error)
	}{
		{cobra.Command{Use: "verify [flags] EVIDENCE", Short: "Judge evidence: VERIFIED, NOT VERIFIED or UNDECIDED", Long: aboutVerify, Example: verifyExamples}, p.judge},
		{cobra.Command{Use: "inspect [flags] EVIDENCE", Short: "Print what is in evidence, and judge nothing", Long: aboutInspect, Example: inspectExamples}, good(p.inspect)},
		{cobra.Command{Use: "system [flags] EVIDENCE", Short: "Explain which system it is, with policy lines for it", Long: aboutSystem, Example: systemExamples}, p.system},
		{cobra.Command{Use: "systems [flags]", Short: "List the systems that OS_IMAGE can name", Long: aboutSystems, Example: systemsExamples}, good(p.listSystems)},
		{cobra.Command{Use: "checkout [flags] DIR", Short: "Print the digests of a clone, to compare with a record", Long: aboutCheckout, Example: checkoutExamples}, good(p.checkout)},
		{cobra.Command{Use: "policy [flags] --from EVIDENCE", Short: "Make a policy to review, from evidence that one trusts on first use", Long: aboutPolicy, Example: policyExamples}, good(p.policyFrom)},
	} {
		root.AddCommand(p.command(&c.command, keys, c.run))
	}
	root.AddCommand(p.serveCommand(), p.schemaCommand())
	root.PersistentFlags().BoolVarP(&p.quiet, "quiet", "q", false, "say nothing but results and errors; of a verdict: without its table")
	cli.Prepare(root, version.String(), p.stdout, p.stderr)
	return root
}

// command adds flags and what is done to a command.
func (p *program) command(cmd *cobra.Command, keys []policy.Key, run func(context.Context, *settings) (int, error)) *cobra.Command {
	l := &line{known: keys}
	l.flags(cmd.Flags(), cmd.Name())
	cmd.Args = cobra.ArbitraryArgs // settings counts them
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := p.settings(l, cmd.Name(), args)
		if err != nil {
			return meant(cmd, args, err)
		}
		if err := p.fetch(cmd.Context(), s); err != nil {
			return err
		}
		code, err := run(cmd.Context(), s)
		if err == nil && code != report.ExitVerified {
			return cli.ExitError(code)
		}
		return meant(cmd, args, err)
	}
	return cmd
}

// good is what ends with 0 unless it fails.
func good(run func(context.Context, *settings) error) func(context.Context, *settings) (int, error) {
	return func(ctx context.Context, s *settings) (int, error) { return report.ExitVerified, run(ctx, s) }
}

// judge judges evidence, or explains an exception to it.
func (p *program) judge(ctx context.Context, s *settings) (int, error) {
	if s.explained != "" {
		return p.explain(ctx, s)
	}
	return p.verify(ctx, s)
}

// meant adds the command that one of several words, or the name of no file, may have meant.
func meant(cmd *cobra.Command, args []string, err error) error {
	if cmd.Name() != defaultCommand || len(args) < 2 && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, word := range args {
		if hint := cli.DidYouMean(cmd.Root(), word); hint != "" {
			return &hintedError{err, hint + " A command is the first word"}
		}
	}
	return err
}

// hintedError is an error with what may have been meant.
type hintedError struct {
	error
	hint string
}

func (e *hintedError) Error() string { return e.error.Error() + e.hint }
func (e *hintedError) Unwrap() error { return e.error }

// withCommand puts the default command before a line that begins with none. A command is
// the first word, or it is none: behind flags the name of a command is that of evidence.
// Otherwise whoever names the file that a script judges could have it list systems, say,
// which ends with 0.
func withCommand(root *cobra.Command, args []string) []string {
	begin := 0
	if len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd) { // a shell asks how the line goes on
		if begin = 1; len(args) == 2 && !strings.HasPrefix(args[1], "-") {
			return args // with the first word
		}
	}
	if rest := args[begin:]; len(rest) > 0 {
		if slices.Contains([]string{"-h", "--help", "-v", "--version"}, rest[0]) || slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == rest[0] }) {
			return args
		}
	}
	return slices.Insert(slices.Clone(args), begin, defaultCommand)
}

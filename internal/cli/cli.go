// Package cli has what the programs for people share, on top of cobra: flags anywhere,
// help with examples for each command, a hint where a word is misspelt, shell
// completion, and the exit code of a command line that can't be run. The launcher in
// the VM keeps the standard library's parser.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// UsageError says why a command line makes no sense.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef returns a *[UsageError].
func Usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// ExitError is an exit code whose reason has been printed already.
type ExitError int

func (e ExitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// Prepare makes a program's root command, which has all its commands, behave as the
// other programs' do.
func Prepare(root *cobra.Command, version string, stdout, stderr io.Writer) {
	root.SilenceUsage, root.SilenceErrors = true, true
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.AddCommand(versionCommand(root, version), manualCommand(root))
	versionFlag(root, version)
	root.InitDefaultCompletionCmd()
	root.SetHelpCommand(helpCommand(root))
	root.InitDefaultHelpCmd()
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &UsageError{suggest(cmd, err)} })
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(cmd.OutOrStdout(), help(cmd)) })
	finish(root)
}

// finish makes a command's refusals [*UsageError]s. A command that only has commands below
// it refuses other words.
func finish(cmd *cobra.Command) {
	cmd.SuggestionsMinimumDistance = 2
	cmd.Flags().SortFlags = false // help has them in the order in which they were added
	if !cmd.Runnable() {
		cmd.Args, cmd.RunE = cobra.ArbitraryArgs, unknown
	}
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			var usage *UsageError
			if err != nil && !errors.As(err, &usage) {
				err = &UsageError{err}
			}
			return err
		}
	}
	for _, c := range cmd.Commands() {
		finish(c)
	}
}

// Execute runs a command line. Errors are returned, and not printed.
func Execute(ctx context.Context, root *cobra.Command, args []string) error {
	for _, arg := range args {
		if arg == "--" {
			break
		}
		if strings.HasPrefix(arg, "-test.") { // pflag ignores these silently
			return Usagef("unknown flag: %s", arg)
		}
	}
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) { // a shell asks
		complete(root)
	}
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// versionFlag adds --version. cobra's own uses a template, for which the linker keeps
// every exported method: 3 MiB of the simulator.
func versionFlag(root *cobra.Command, version string) {
	if root.RunE == nil {
		root.Args, root.RunE = cobra.ArbitraryArgs, unknown
	}
	wanted := root.Flags().BoolP("version", "v", false, "print the version")
	run := root.RunE
	root.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case !*wanted:
			return run(cmd, args)
		case len(args) > 0:
			return Usagef("--version stands alone")
		}
		fmt.Fprintln(cmd.OutOrStdout(), root.Name(), version)
		return nil
	}
}

func versionCommand(root *cobra.Command, version string) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), root.Name(), version) },
	}
}

// unknown answers a word that is no command, or the lack of a word.
func unknown(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	return Usagef("there is no command %q%s", args[0], DidYouMean(cmd, args[0]))
}

// DidYouMean names the commands below one that may have been meant by a word.
func DidYouMean(cmd *cobra.Command, word string) string {
	if meant := cmd.SuggestionsFor(word); word != "" && len(meant) > 0 {
		return "; did you mean " + strings.Join(meant, " or ") + "?"
	}
	return ""
}

// suggest adds the flags that may have been meant.
func suggest(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	name := unknown.GetSpecifiedName()
	if letters := unknown.GetSpecifiedShortnames(); len(letters) > 1 { // -policy, as Go's own parser takes it
		name, _, _ = strings.Cut(letters, "=")
		cmd.Flags().VisitAll(func(f *pflag.Flag) { // -quiet: the parser has taken -q already
			if f.Shorthand != "" && f.Shorthand+name == f.Name {
				name = f.Name
			}
		})
		err = fmt.Errorf("unknown flag: -%s", name)
	}
	if f := cmd.Flags().Lookup(name); f != nil {
		return fmt.Errorf("%w; did you mean --%s?", err, f.Name)
	}
	var others []string
	for _, other := range cmd.Root().Commands() {
		if f := other.LocalFlags().Lookup(name); f != nil && !f.Hidden {
			others = append(others, other.Name())
		}
	}
	if others != nil {
		return fmt.Errorf("%w; --%s is a flag of %s", err, name, strings.Join(others, ", "))
	}
	// cobra knows which command may have been meant, by spelling. Flags are no commands.
	flags := &cobra.Command{SuggestionsMinimumDistance: 2}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: f.Name, Hidden: f.Hidden, Run: func(*cobra.Command, []string) {}})
	})
	meant := flags.SuggestionsFor(name)
	if len(meant) == 0 {
		return err
	}
	return fmt.Errorf("%w; did you mean --%s?", err, strings.Join(meant, " or --"))
}

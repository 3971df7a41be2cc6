// Package cli is what the programs for people have in common, on top of cobra: flags
// anywhere, a hint where a word is misspelt, and the exit code of a command line that
// can't be run. The launcher in the VM keeps the standard library's parser.
package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// UsageError is a command line that makes no sense.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef returns a *[UsageError].
func Usagef(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// Prepare makes a program's root command behave as the others do. Errors are returned by
// its Execute, and not printed.
func Prepare(root *cobra.Command, version string, stdout, stderr io.Writer) {
	root.SilenceUsage, root.SilenceErrors = true, true
	root.SuggestionsMinimumDistance = 2
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.Version = version
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.AddCommand(&cobra.Command{
		Use: "version", Short: "Print the version", Args: Args(cobra.NoArgs),
		Run: func(*cobra.Command, []string) { fmt.Fprintln(stdout, root.Name(), version) },
	})
	root.Args, root.RunE = cobra.ArbitraryArgs, unknown // cobra's own error has no type
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return &UsageError{suggest(cmd, err)} })
}

// unknown answers a word that is no command, and no word at all.
func unknown(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return root.Help()
	}
	if meant := root.SuggestionsFor(args[0]); len(meant) > 0 {
		return Usagef("there is no command %q; did you mean %s?", args[0], strings.Join(meant, " or "))
	}
	return Usagef("there is no command %q", args[0])
}

// suggest adds the flags that may have been meant.
func suggest(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	// cobra knows which command may have been meant, by spelling. Flags are no commands.
	flags := &cobra.Command{SuggestionsMinimumDistance: 2}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	meant := flags.SuggestionsFor(unknown.GetSpecifiedName())
	if len(meant) == 0 {
		return err
	}
	return fmt.Errorf("%w; did you mean --%s?", err, strings.Join(meant, " or --"))
}

// Args wraps a check of a command's arguments, so that what it refuses is a *[UsageError].
func Args(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &UsageError{err}
		}
		return nil
	}
}

// Manual adds a command that prints the help of all commands as one text, in the shape
// that internal/man makes a manual page of.
func Manual(root *cobra.Command) {
	root.AddCommand(&cobra.Command{
		Use: "manual", Short: "Print the help of all commands as one text", Hidden: true, Args: Args(cobra.NoArgs),
		Run: func(cmd *cobra.Command, _ []string) {
			var b strings.Builder
			fmt.Fprintf(&b, "Usage: %s COMMAND [flags]\n\n%s\n", root.Name(), root.Long)
			for _, c := range root.Commands() {
				if !c.IsAvailableCommand() || c.Name() == "help" || c.Name() == "completion" || c.Name() == "version" {
					continue
				}
				fmt.Fprintf(&b, "\n%s %s:\n\n%s\n\nFlags of %s:\n\n", root.Name(), c.Use, c.Long, c.Name())
				c.LocalFlags().VisitAll(func(f *pflag.Flag) {
					name, usage := pflag.UnquoteUsage(f)
					fmt.Fprintf(&b, "  %s  %s\n", strings.TrimSpace("--"+f.Name+" "+name), usage)
				})
				fmt.Fprintf(&b, "\nExamples of %s:\n\n%s\n", c.Name(), c.Example)
			}
			fmt.Fprint(cmd.OutOrStdout(), b.String())
		},
	})
}

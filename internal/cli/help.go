package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// help returns what --help prints of a command.
func help(cmd *cobra.Command) string {
	cmd.InitDefaultHelpFlag()
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s\n", cmd.UseLine())
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "       %s COMMAND\n", cmd.CommandPath())
	}
	b.WriteString("\n" + about(cmd))
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\nCommands:\n")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&b, "  %-12s %s\n", c.Name(), c.Short)
			}
		}
	}
	b.WriteString(flags(cmd.Flags()) + examples(cmd))
	return b.String()
}

func about(cmd *cobra.Command) string {
	if cmd.Long == "" {
		return cmd.Short + ".\n"
	}
	return strings.TrimSuffix(cmd.Long, "\n") + "\n"
}

func examples(cmd *cobra.Command) string {
	if cmd.Example == "" {
		return ""
	}
	return "\nExamples:\n" + cmd.Example + "\n"
}

// flags returns a list of flags, those without a heading last.
func flags(fs *pflag.FlagSet) string {
	const rest = "Flags:"
	var headings []string
	under := make(map[string]*strings.Builder)
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		words := rest
		if h := f.Annotations[heading]; h != nil {
			words = h[0]
		}
		if under[words] == nil {
			headings = append(headings, words)
			under[words] = new(strings.Builder)
		}
		line(under[words], f)
	})
	if i := slices.Index(headings, rest); i >= 0 {
		headings = append(slices.Delete(headings, i, i+1), rest)
	}
	var b strings.Builder
	for _, words := range headings {
		b.WriteString("\n" + words + "\n" + under[words].String())
	}
	return b.String()
}

// The columns of help: where a flag's text begins, and where a line must end.
const (
	column = 26
	width  = 120
)

// line writes a flag and its text.
func line(b *strings.Builder, f *pflag.Flag) {
	name := "  --" + f.Name
	if form := f.Value.Type(); form != "bool" {
		name += " " + form
	}
	if f.Shorthand != "" {
		name += ", -" + f.Shorthand
	}
	text := f.Usage
	if f.DefValue != "" && f.DefValue != "false" {
		text += " (default " + f.DefValue + ")"
	}
	at := len(name)
	b.WriteString(name)
	if at >= column {
		b.WriteString("\n")
		at = 0
	}
	for _, word := range strings.Fields(text) {
		switch n := len([]rune(word)); {
		case at < column:
			b.WriteString(strings.Repeat(" ", column-at) + word)
			at = column + n
		case at+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", column) + word)
			at = column + n
		default:
			b.WriteString(" " + word)
			at += 1 + n
		}
	}
	b.WriteString("\n")
}

// helpCommand returns a command that does what cobra's own does, and refuses a word
// that is no command.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Print the help of a command",
		ValidArgsFunction: func(_ *cobra.Command, args []string, typed string) (names []string, _ cobra.ShellCompDirective) {
			for _, c := range root.Commands() {
				if len(args) == 0 && c.IsAvailableCommand() && strings.HasPrefix(c.Name(), typed) {
					names = append(names, cobra.CompletionWithDesc(c.Name(), c.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			cmd, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return unknown(root, args)
			}
			return cmd.Help()
		},
	}
}

// manualCommand returns a command that prints the help of all commands as one text,
// from which internal/man makes a manual page.
func manualCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "manual", Short: "Print the help of all commands as one text", Hidden: true, Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) {
			var b strings.Builder
			b.WriteString(help(root))
			for _, c := range root.Commands() {
				switch c.Name() {
				case "completion", "help", "version":
				default:
					if c.IsAvailableCommand() {
						b.WriteString("\n" + c.UseLine() + ":\n\n" + about(c) + flags(c.LocalFlags()) + examples(c))
					}
				}
			}
			fmt.Fprint(cmd.OutOrStdout(), b.String())
		},
	}
}

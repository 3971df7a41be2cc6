package cli

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// value is a flag's value, with the word that stands for it in help.
type value struct {
	form, shown string
	set         func(string) error
}

func (v *value) Set(s string) error { return v.set(s) }
func (v *value) String() string     { return v.shown }
func (v *value) Type() string       { return v.form }

// Func adds a flag whose values go to a function. form stands for a value in help:
// FILE, or words to choose from with bars between them.
func Func(fs *pflag.FlagSet, name, form, help string, set func(string) error) {
	fs.Var(&value{form: form, set: set}, name, help)
}

// Text adds a flag whose value is text, the last that is given.
func Text(fs *pflag.FlagSet, to *string, name, form, byDefault, help string) {
	*to = byDefault
	fs.Var(&value{form, byDefault, func(s string) error { *to = s; return nil }}, name, help)
}

// Texts adds a flag that may repeat.
func Texts(fs *pflag.FlagSet, to *[]string, name, form, help string) {
	Func(fs, name, form, help+"; may repeat", func(s string) error { *to = append(*to, s); return nil })
}

// heading is the annotation that has the heading under which help shows a flag.
const heading = "heading"

// Under puts the flags of a set that have no heading yet under one: words with a colon
// at the end.
func Under(fs *pflag.FlagSet, words string) {
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Annotations[heading] == nil {
			f.Annotations = map[string][]string{heading: {words}}
		}
	})
}

// choice matches a form that lists all possible words, and not a placeholder for one.
var choice = regexp.MustCompile(`^[a-z0-9.-]+(\|[a-z0-9.-]+)*$`)

// complete lets the shell complete the flags' values of a command and of all below it, by
// their forms.
func complete(cmd *cobra.Command) {
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		v, ours := f.Value.(*value)
		switch {
		case !ours || strings.Contains(v.form, "FILE"): // the shell completes these by itself
		case v.form == "DIR":
			_ = cmd.MarkFlagDirname(f.Name) // there is such a flag
		case choice.MatchString(v.form):
			words := strings.Split(v.form, "|")
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
		default:
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.NoFileCompletions)
		}
	})
	for _, c := range cmd.Commands() {
		complete(c)
	}
}

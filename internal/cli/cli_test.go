package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// sample returns a program with two commands.
func sample(out io.Writer) *cobra.Command {
	root := &cobra.Command{Use: "program", Short: "Do things"}
	sub := &cobra.Command{Use: "sub [flags] [WORD]", Short: "Do one thing", Long: "sub does one thing.", Example: "  program sub one", Args: cobra.MaximumNArgs(1), Run: func(*cobra.Command, []string) {}}
	var policy, colour, dir string
	Text(sub.Flags(), &policy, "policy", "FILE", "", "what is expected")
	Text(sub.Flags(), &colour, "colour", "red|green", "red", "of the output")
	Under(sub.Flags(), "Expectations:")
	Text(sub.Flags(), &dir, "dir", "DIR", "", strings.Repeat("words ", 30))
	sub.Flags().Int("number", 0, "")
	sub.Flags().BoolP("quiet", "q", false, "")
	root.AddCommand(sub, &cobra.Command{Use: "other", Args: cobra.NoArgs, Run: func(*cobra.Command, []string) {}})
	Prepare(root, "v1", out, io.Discard)
	return root
}

func TestSuggest(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"sub --polcy x", "unknown flag: --polcy; did you mean --policy?"},
		{"sub -policy x", "unknown flag: -policy; did you mean --policy?"},
		{"sub -policy=x", "unknown flag: -policy; did you mean --policy?"},
		{"sub -quiet", "unknown flag: -quiet; did you mean --quiet?"},
		{"sub -quiet=x", "unknown flag: -quiet; did you mean --quiet?"},
		{"sub --zzz", "unknown flag: --zzz"},
		{"sub -test.policy x", "unknown flag: -test.policy"},
		{"other --policy x", "unknown flag: --policy; --policy is a flag of sub"},
		{"sbu", `there is no command "sbu"; did you mean sub?`},
		{"help sbu", `there is no command "sbu"; did you mean sub?`},
		{"completion powershel", `there is no command "powershel"; did you mean powershell?`},
		{"--version one", "--version stands alone"},
		{"other one", `unknown command "one" for "program other"`},
		{"sub one two", "accepts at most 1 arg(s)"},
		{"sub --number x", `invalid argument "x" for "--number" flag`},
	} {
		err := Execute(t.Context(), sample(io.Discard), strings.Fields(c.args))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", c.args, err)
		}
		var usage *UsageError
		if !errors.As(err, &usage) {
			t.Errorf("%s: %T", c.args, err)
		}
	}
}

// TestHelp: a command's help has usage, flags under their headings, the rest of them last, and
// examples; no line is too wide. It is the same by --help and by help, and the manual has it.
func TestHelp(t *testing.T) {
	const want = `Usage: program sub [flags] [WORD]

sub does one thing.

Expectations:
  --policy FILE           what is expected
  --colour red|green      of the output (default red)

Flags:
  --dir DIR               words words words words words words words words words words words words words words words
                          words words words words words words words words words words words words words words words
`
	var texts []string
	for _, args := range []string{"sub --help", "help sub", "manual"} {
		var out strings.Builder
		if err := Execute(t.Context(), sample(&out), strings.Fields(args)); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, out.String())
	}
	if !strings.HasPrefix(texts[0], want) || !strings.HasSuffix(texts[0], "\nExamples:\n  program sub one\n") {
		t.Errorf("--help:\n%s", texts[0])
	}
	if texts[1] != texts[0] {
		t.Errorf("help sub:\n%s", texts[1])
	}
	if _, body, _ := strings.Cut(want, "\n"); !strings.Contains(texts[2], "program sub [flags] [WORD]:\n"+body) || !strings.HasPrefix(texts[2], "Usage: program") {
		t.Errorf("manual:\n%s", texts[2])
	}
}

// TestCompletion: each shell has a script, and values are completed by their form.
func TestCompletion(t *testing.T) {
	for args, want := range map[string]string{
		"completion bash": "bash completion", "completion zsh": "#compdef program", "completion fish": "fish completion", "completion powershell": "powershell completion",
		"__complete sub --colour ": "red\ngreen\n:4\n", "__complete sub --dir ": ":16\n", "__complete sub --policy ": ":0\n", "__complete s": "sub\tDo one thing\n", "__complete help s": "sub\tDo one thing\n",
	} {
		var out strings.Builder
		if err := Execute(t.Context(), sample(&out), strings.Split(args, " ")); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%q: %v, %.200s", args, err, out.String())
		}
	}
}

func TestVersion(t *testing.T) {
	var out strings.Builder
	root := &cobra.Command{Use: "program"}
	Prepare(root, "v1", &out, io.Discard)
	for _, arg := range []string{"--version", "version"} {
		out.Reset()
		if err := Execute(t.Context(), root, []string{arg}); err != nil || out.String() != "program v1\n" {
			t.Errorf("%s: %q, %v", arg, out.String(), err)
		}
	}
}

// TestLines: records become lines, whole however they arrive, and what comes after the
// last one passes byte by byte.
func TestLines(t *testing.T) {
	log := `{"time":"t","level":"INFO","msg":"HEAD verified","tree":"x","files":8}` + "\n" + "no record\n" +
		`{"level":"WARN","msg":"take care"}` + "\n" + `{"level":"WARN","msg":"THE VM is odd"}` + "\n" + `{"level":"INFO","msg":"exec in /x"}` + "\nworkload" + `{"msg":"mine"}` + "\n..."
	for _, size := range []int{1, 7, len(log)} {
		var said, raw strings.Builder
		l := &Lines{Say: func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) }, Raw: &raw, Name: "p", Until: "exec in ",
			Instead: map[string]string{"THE VM": "this is 100% no VM"}}
		for rest := log; rest != ""; {
			n := min(size, len(rest))
			if _, err := l.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if want := "p: HEAD verified (files: 8)\np: WARN: take care\nthis is 100% no VM\np: exec in /x\n"; said.String() != want {
			t.Errorf("said %q", said.String())
		}
		if want := "no record\nworkload" + `{"msg":"mine"}` + "\n..."; raw.String() != want {
			t.Errorf("passed %q", raw.String())
		}
	}
}

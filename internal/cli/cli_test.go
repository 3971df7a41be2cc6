package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestSuggest(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"sub --polcy x", "unknown flag: --polcy; did you mean --policy?"},
		{"sub --zzz", "unknown flag: --zzz"},
		{"sbu", `there is no command "sbu"; did you mean sub?`},
		{"sub one", `unknown command "one" for "program sub"`},
		{"sub --number x", `invalid argument "x" for "--number" flag`},
	} {
		root := &cobra.Command{Use: "program"}
		sub := &cobra.Command{Use: "sub", Args: Args(cobra.NoArgs), Run: func(*cobra.Command, []string) {}}
		sub.Flags().String("policy", "", "")
		sub.Flags().Int("number", 0, "")
		root.AddCommand(sub)
		Prepare(root, "v1", io.Discard, io.Discard)
		root.SetArgs(strings.Fields(c.args))
		err := root.Execute()
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v", c.args, err)
		}
		var usage *UsageError
		if !errors.As(err, &usage) {
			t.Errorf("%s: %T", c.args, err)
		}
	}
}

func TestVersion(t *testing.T) {
	var out strings.Builder
	root := &cobra.Command{Use: "program"}
	Prepare(root, "v1", &out, io.Discard)
	for _, arg := range []string{"--version", "version"} {
		out.Reset()
		root.SetArgs([]string{arg})
		if err := root.Execute(); err != nil || out.String() != "program v1\n" {
			t.Errorf("%s: %q, %v", arg, out.String(), err)
		}
	}
}

// TestLines: records become lines, whole however they arrive, and what comes after the
// last one passes byte by byte.
func TestLines(t *testing.T) {
	log := `{"time":"t","level":"INFO","msg":"HEAD verified","tree":"x","files":8}` + "\n" + "no record\n" +
		`{"level":"WARN","msg":"take care"}` + "\n" + `{"level":"INFO","msg":"exec in /x"}` + "\nworkload" + `{"msg":"mine"}` + "\n..."
	for _, size := range []int{1, 7, len(log)} {
		var said, raw strings.Builder
		l := &Lines{Say: func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) }, Raw: &raw, Name: "p", Until: "exec in "}
		for rest := log; rest != ""; {
			n := min(size, len(rest))
			if _, err := l.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if want := "p: HEAD verified (files: 8)\np: WARN: take care\np: exec in /x\n"; said.String() != want {
			t.Errorf("said %q", said.String())
		}
		if want := "no record\nworkload" + `{"msg":"mine"}` + "\n..."; raw.String() != want {
			t.Errorf("passed %q", raw.String())
		}
	}
}

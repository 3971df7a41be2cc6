package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/advice"
	"gitlauncher/internal/gitmode"
	"gitlauncher/internal/launcherflags"
	"gitlauncher/internal/step"
)

// TestHelp: a command's help has its usage, its flags and two examples, and nothing of
// other commands.
func TestHelp(t *testing.T) {
	for _, c := range commands {
		text := help(c.name)
		if !strings.HasPrefix(text, "Usage: "+c.usage+"\n") || strings.Contains(text, "Exit codes") {
			t.Errorf("%s:\n%s", c.name, text)
		}
		for _, name := range strings.Fields(c.flags) {
			if !strings.Contains(text, "--"+name) {
				t.Errorf("%s: no --%s in\n%s", c.name, name, text)
			}
		}
		for _, example := range c.examples {
			if !strings.Contains(text, "\n  "+example+"\n") {
				t.Errorf("%s: no %q in\n%s", c.name, example, text)
			}
		}
	}
	if help("") != usage || help("image") != imageUsage {
		t.Error("the manuals are not what --help prints")
	}
}

// TestHelpBounds: the defaults that the manual names are those of a launch.
func TestHelpBounds(t *testing.T) {
	var b gitmode.Bounds
	flags := make(launcherflags.Destinations)
	b.Flags(flags)
	b = gitmode.Bounds{}
	for name, flag := range flags {
		m := regexp.MustCompile(`\(default ([-\w]+)`).FindStringSubmatch(flagText(usage, name))
		if m == nil {
			t.Errorf("the manual names no default of --%s", name)
		} else if err := flag.Set(m[1]); err != nil {
			t.Errorf("--%s %s: %v", name, m[1], err)
		}
	}
	if b != gitmode.DefaultBounds() {
		t.Errorf("the manual says %+v, and a launch takes %+v", b, gitmode.DefaultBounds())
	}
}

func TestUnknown(t *testing.T) {
	names := []string{"run", "check", "receipt", "pin"}
	for word, want := range map[string]string{
		"chekc": "did you mean check?", "reciept": "did you mean receipt?", "pni": "did you mean pin?", "checks": "did you mean check?",
		"launch": "is neither a command nor a file; the commands are run, check",
	} {
		if got := unknown(word, names); !strings.Contains(got, want) {
			t.Errorf("%s: %s", word, got)
		}
	}
}

// TestFlagValues: a value that a flag does not take is refused in plain words.
func TestFlagValues(t *testing.T) {
	for value, want := range map[string]string{"5": "the unit is missing: write 5s", "x": "it is not a time", "5s": "", "0": ""} {
		var d time.Duration
		f := make(launcherflags.Destinations)
		f.Duration(&d, "t", time.Hour)
		held(t, f["t"], value, want)
	}
	for value, want := range map[string]string{
		"99999999999999999999": "a whole number from 1 to 9223372036854775807", "0": "from 1 to", "many": "from 1 to", "1": "", "9223372036854775807": "",
	} {
		var n int64
		f := make(launcherflags.Destinations)
		launcherflags.Number(f, &n, "t", 7, 1)
		held(t, f["t"], value, want)
	}
}

func held(t *testing.T, f flag.Value, value, want string) {
	t.Helper()
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.Var(f, "t", "")
	err := parseFlags(fs, []string{"--t", value}, func(string) (string, bool) { return "", false })
	var usage *step.UsageError
	if want == "" && err != nil || want != "" && (!errors.As(err, &usage) || !strings.Contains(err.Error(), want)) {
		t.Errorf("--t %s: %v, not %q", value, err, want)
	}
}

// TestReportNothingStarted: only a command that launches speaks of the workload.
func TestReportNothingStarted(t *testing.T) {
	for command, speaks := range map[string]bool{"run": true, "image": true, "check": false, "receipt": false, "pin": false, "image check": false} {
		var log bytes.Buffer
		code := report(slog.New(slog.NewTextHandler(&log, nil)), command, step.At(step.CommandLine, step.Usagef("no")))
		if code != advice.Usage || strings.Contains(log.String(), "the workload was not started") != speaks || !strings.Contains(log.String(), "What to do: ") {
			t.Errorf("%s: %d\n%s", command, code, log.String())
		}
	}
}

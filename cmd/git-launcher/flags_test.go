package main

import (
	"errors"
	"flag"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"gitlauncher/internal/launcherflags"
	"gitlauncher/internal/step"
)

// TestFlags: every flag of the table has a destination, a flag without a value is one
// for both readers, and no destination lacks a row.
func TestFlags(t *testing.T) {
	var text string
	var q question
	git := new(settings)
	gitFlags := git.flags(&measuring{guest: &git.Guest, place: &git.Receipt}, &q)
	img := new(imageSettings)
	imageFlags := img.flags(&measuring{guest: &img.Guest, place: &img.Receipt}, &text)
	attest := new(attestSettings).flags()
	compose := new(composeSettings).flags(&text, &text)
	for _, c := range []struct {
		flags    launcherflags.Destinations
		commands string
	}{{gitFlags, "run check receipt pin"}, {imageFlags, "image resolve"}, {attest, "attest"}, {compose, "compose"}} {
		unused := len(c.flags)
		seen := make(map[string]bool)
		for _, command := range strings.Fields(c.commands) {
			fs := c.flags.Set(command)
			for _, row := range launcherflags.Of(command) {
				b, is := fs.Lookup(row.Name).Value.(interface{ IsBoolFlag() bool })
				if (is && b.IsBoolFlag()) != row.Switch {
					t.Errorf("%s --%s: a switch in the table: %v", command, row.Name, row.Switch)
				}
				if !seen[row.Name] {
					unused--
				}
				seen[row.Name] = true
			}
		}
		if unused != 0 {
			t.Errorf("%s: %d destinations have no row", c.commands, unused)
		}
	}
}

// recorder is a flag that accepts every value, and records it.
type recorder struct {
	launcherflags.Flag
	log *[]launcherflags.Setting
}

func (r recorder) IsBoolFlag() bool { return r.Switch }
func (r recorder) String() string   { return "" }
func (r recorder) Set(v string) error {
	if r.Switch {
		on, err := strconv.ParseBool(v)
		if err != nil {
			return err
		}
		v = strconv.FormatBool(on)
	}
	*r.log = append(*r.log, launcherflags.Setting{Flag: r.Flag, Value: v})
	return nil
}

// FuzzReaders gives the same words to the launcher's parser and to the reader of check
// D (package verify/compose): both read them as the same flags, or both refuse them.
// SECURITY.md: A3.
func FuzzReaders(f *testing.F) {
	for _, words := range []string{
		"", "run", "--measure\nrecord\nc.conf", "--receipt-log\nc.conf", "--receipt-log=0\n--", "--\n--retries\n2", "-\n--retries",
		"--retries\n-1", "--retries=", "--=x", "---retries", "--retries", "-h", "--help", "--receipt-log=", "--receipt-log=x", "--approved=none\n",
		"-measure==\nauto", "--measure\n--\n--platform\nnontee", "--no-such\nx", "--listen\n:1\n--bind-file\nx", "--bind-file=", "attest\n--listen",
	} {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, words string) {
		for _, command := range []string{"run", "check", "receipt", "pin", "image", "resolve", "compose", "attest"} {
			args := strings.Split(words, "\n")
			var want []launcherflags.Setting
			to := make(launcherflags.Destinations)
			for _, row := range launcherflags.Of(command) {
				to[row.Name] = recorder{row, &want}
			}
			fs := to.Set(command)
			err := fs.Parse(args)
			got, rest, readErr := launcherflags.Read(command, args)
			var unknown *launcherflags.UnknownError
			switch {
			case (err == nil) != (readErr == nil):
				t.Errorf("%s %q: the launcher says %v, the judge %v", command, args, err, readErr)
			case !reflect.DeepEqual(got, want):
				t.Errorf("%s %q: the launcher reads %v, the judge %v", command, args, want, got)
			case err == nil && strings.Join(rest, "\n") != strings.Join(fs.Args(), "\n"):
				t.Errorf("%s %q: the launcher leaves %q, the judge %q", command, args, fs.Args(), rest)
			case errors.Is(err, flag.ErrHelp) && !errors.As(readErr, &unknown):
				t.Errorf("%s %q: help is %v", command, args, readErr)
			}
		}
	})
}

// TestNoFlag: a flag that a command does not have is named, and the one that is meant. What
// is wrong with the value of one that it has is said as before.
func TestNoFlag(t *testing.T) {
	none := func(string) (string, bool) { return "", false }
	for _, c := range []struct{ command, line, want string }{
		{"check", "--comopse x", "there is no flag --comopse; did you mean --compose?"},
		{"run", "--platfrom=nontee launcher.conf", "there is no flag --platfrom; did you mean --platform?"},
		{"run", "-bogusness launcher.conf", "there is no flag --bogusness"},
		{"run", "--bind-file x", "--bind-file is a flag of another command: receipt, attest"},
		{"check", "--registry-mirror x", "--registry-mirror is a flag of another command: image resolve"},
		{"run", "--version", "there is no flag --version; the command version prints it"},
		{"run", "--max-files", "flag needs an argument: -max-files"},
		{"run", "--max-files x", "invalid value"},
		{"run", "--max-files -5", "invalid value"},
		{"run", "--receipt-log --platfrom x", "there is no flag --platfrom"},
	} {
		_, err := parseSettings(c.command, strings.Fields(c.line), none)
		var usage *step.UsageError
		if !errors.As(err, &usage) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s %s: %v, not %q", c.command, c.line, err, c.want)
		}
	}
	if _, err := parseAttestSettings([]string{"--listne", ":1"}, none); err == nil || err.Error() != "there is no flag --listne; did you mean --listen?" {
		t.Errorf("attest: %v", err)
	}
}

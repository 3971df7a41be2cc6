package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"gitlauncher/internal/guest"
	"gitlauncher/internal/launcherflags"
	"gitlauncher/internal/receipt"
	"gitlauncher/internal/step"
)

var errHelp = errors.New("help wanted")

// measuring are the flags of the commands that measure.
type measuring struct {
	guest    *guest.Options
	place    *receipt.Place
	platform string
}

func (m *measuring) flags(f launcherflags.Destinations, platform, receiptFile string) {
	f.Text(&m.platform, "platform", platform)
	f.Text((*string)(&m.guest.Way), "measure", string(guest.Auto))
	f.Text(&m.guest.Socket, "dstack-endpoint", "/var/run/dstack.sock")
	f.Duration(&m.guest.Timeout, "dstack-timeout", 30*time.Second)
	f.Text(&m.place.File, "receipt", receiptFile)
	f.Toggle(&m.place.InLog, "receipt-log")
	f.Toggle(&m.place.Required, "require-receipt")
}

func (m *measuring) check() error {
	m.guest.Measured = m.platform == "tee"
	switch way := m.guest.Way; {
	case !m.guest.Measured && m.platform != "nontee":
		return step.Usagef("--platform is neither tee nor nontee")
	case m.place.Required && !m.guest.Measured:
		return step.Usagef("--require-receipt can't be met with --platform nontee")
	case way != guest.Auto && way != guest.Record && way != guest.Pinned:
		return step.Usagef("--measure is not auto, record or pinned")
	case way != guest.Auto && !m.guest.Measured:
		return step.Usagef("--measure %s can't be met with --platform nontee", way)
	}
	return nil
}

// parseFlags sets flags from variables, and then from the command line, which wins.
// PLATFORM sets --platform, too, and GIT_LAUNCHER_PLATFORM wins over it. Errors are
// errHelp and [*step.UsageError].
func parseFlags(fs *flag.FlagSet, args []string, env func(string) (string, bool)) error {
	if v, ok := env("PLATFORM"); ok && fs.Lookup("platform") != nil {
		if v != "TEE" && v != "NONTEE" {
			return step.Usagef("the variable PLATFORM is neither TEE nor NONTEE")
		}
		if err := fs.Set("platform", strings.ToLower(v)); err != nil {
			return step.Usagef("%v", err)
		}
	}
	if err := fromEnv(fs, env); err != nil {
		return err
	}
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return errHelp
	case err != nil:
		if name := unknownFlag(fs, args); name != "" {
			return step.Usagef("%s", noFlag(fs, name))
		}
		return step.Usagef("%v", err)
	}
	return nil
}

// unknownFlag returns the name of the flag that ended the reading of a command line, if
// the command does not have it. Package flag has no type for that error; the argument is
// the last one that was taken, unless that is the value of the flag before it.
func unknownFlag(fs *flag.FlagSet, args []string) string {
	at := len(args) - fs.NArg() - 1
	if at < 0 || !strings.HasPrefix(args[at], "-") {
		return ""
	}
	if at > 0 && strings.HasPrefix(args[at-1], "-") {
		f := fs.Lookup(strings.TrimLeft(args[at-1], "-"))
		if row, _ := launcherflags.Lookup(strings.TrimLeft(args[at-1], "-")); f != nil && !row.Switch {
			return ""
		}
	}
	name, _, _ := strings.Cut(strings.TrimLeft(args[at], "-"), "=")
	if fs.Lookup(name) != nil {
		return "" // its value is what is wrong
	}
	return name
}

// noFlag says that a command does not have a flag, and which one may be meant.
func noFlag(fs *flag.FlagSet, name string) string {
	said := fmt.Sprintf("there is no flag --%.60s", name)
	if row, known := launcherflags.Lookup(name); known {
		return fmt.Sprintf("--%s is a flag of another command: %s", name, strings.Join(row.Commands(), ", "))
	}
	if name == "version" {
		return said + "; the command version prints it"
	}
	var meant []string
	fs.VisitAll(func(f *flag.Flag) {
		if distance(name, f.Name) <= 2 {
			meant = append(meant, "--"+f.Name)
		}
	})
	if len(meant) > 0 {
		said += "; did you mean " + strings.Join(meant, " or ") + "?"
	}
	return said
}

// fromEnv sets flags from GIT_LAUNCHER_ variables.
func fromEnv(fs *flag.FlagSet, env func(string) (string, bool)) (err error) {
	fs.VisitAll(func(f *flag.Flag) {
		name := launcherflags.Variable(f.Name)
		v, ok := env(name)
		if !ok || err != nil {
			return
		}
		row, _ := launcherflags.Lookup(f.Name)
		if f.Name == "receipt" && !strings.HasSuffix(v, ".json") {
			// Anyone who sets variables must not be able to replace any file they like.
			err = step.Usagef("the variable %s must name a .json file; the flag --receipt may name any", name)
		} else if row.FlagOnly {
			err = step.Usagef("the variable %s is not honoured; give the flag --%s", name, f.Name)
		} else if refused := fs.Set(f.Name, v); refused != nil {
			err = step.Usagef("the variable %s has a value that --%s does not take: %v", name, f.Name, refused)
		}
	})
	return err
}

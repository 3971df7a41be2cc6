package main

import (
	"errors"
	"flag"
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
		return step.Usagef("%v", err)
	}
	return nil
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

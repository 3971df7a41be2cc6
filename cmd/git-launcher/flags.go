package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"gitlauncher/internal/guest"
	"gitlauncher/internal/receipt"
	"gitlauncher/internal/step"
)

var errHelp = errors.New("help wanted")

// newFlags begins a command's flags.
func newFlags() *flag.FlagSet {
	fs := flag.NewFlagSet("git-launcher", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are ours to print, once
	fs.Usage = func() {}
	return fs
}

// measuring are the flags of the commands that measure.
type measuring struct {
	guest    *guest.Options
	place    *receipt.Place
	platform string
}

func (m *measuring) flags(fs *flag.FlagSet, platform, receiptFile string) {
	fs.StringVar(&m.platform, "platform", platform, "")
	fs.StringVar((*string)(&m.guest.Way), "measure", string(guest.Auto), "")
	fs.StringVar(&m.guest.Socket, "dstack-endpoint", "/var/run/dstack.sock", "")
	duration(fs, &m.guest.Timeout, "dstack-timeout", 30*time.Second)
	fs.StringVar(&m.place.File, "receipt", receiptFile, "")
	fs.BoolVar(&m.place.InLog, "receipt-log", false, "")
	fs.BoolVar(&m.place.Required, "require-receipt", false, "")
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
// PLATFORM is a variable of --platform, too, the weaker one. Errors are errHelp and
// *step.UsageError.
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

// flagOnly are the flags that no variable may stand for. Otherwise anyone who sets
// variables could redirect measurements, or have another file decide what runs.
var flagOnly = []string{"dstack-endpoint", "policy-out", "docker-endpoint", "profile", "shared-dir", "registry-mirror", "approved-file", "user-config", "node-config"}

// fromEnv sets flags from GIT_LAUNCHER_ variables.
func fromEnv(fs *flag.FlagSet, env func(string) (string, bool)) (err error) {
	fs.VisitAll(func(f *flag.Flag) {
		name := "GIT_LAUNCHER_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v, ok := env(name)
		if !ok || err != nil {
			return
		}
		if f.Name == "receipt" && !strings.HasSuffix(v, ".json") {
			// Anyone who sets variables must not have a file of their choice replaced.
			err = step.Usagef("the variable %s must name a .json file; the flag --receipt may name any", name)
		} else if slices.Contains(flagOnly, f.Name) {
			err = step.Usagef("the variable %s is not honoured; give the flag --%s", name, f.Name)
		} else if refused := fs.Set(f.Name, v); refused != nil {
			err = step.Usagef("the variable %s has a value that --%s does not take: %v", name, f.Name, refused)
		}
	})
	return err
}

// duration defines a flag that is a time. Go's own says no more than "parse error".
func duration(fs *flag.FlagSet, to *time.Duration, name string, byDefault time.Duration) {
	*to = byDefault
	fs.Func(name, "", func(v string) (err error) {
		if _, err := strconv.ParseFloat(v, 64); err == nil && v != "0" {
			return errors.New("the unit is missing: write 5s for seconds, 5m for minutes")
		}
		if *to, err = time.ParseDuration(v); err != nil {
			return errors.New("it is not a time, as 5s, 5m or 1h30m")
		}
		return nil
	})
}

// number defines a flag that is a whole number of at least least.
func number[N int | int64](fs *flag.FlagSet, to *N, name string, byDefault, least N) {
	*to = byDefault
	fs.Func(name, "", func(v string) error {
		n, err := strconv.ParseInt(v, 0, 64)
		if err != nil || n < int64(least) {
			return fmt.Errorf("it must be a whole number from %d to %d", least, int64(math.MaxInt64))
		}
		*to = N(n)
		return nil
	})
}

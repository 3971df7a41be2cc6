package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"gitlauncher/internal/guest"
	"gitlauncher/internal/launcherflags"
	"gitlauncher/internal/receipt"
	"gitlauncher/internal/step"
)

var errHelp = errors.New("help wanted")

// flags are the destinations of flags. The command's set is made of them by the table of
// package launcherflags.
type flags map[string]flag.Value

// text, toggle and each define a flag by its destination, toggle one without a value.
func (f flags) text(to *string, name, byDefault string) {
	*to = byDefault
	f.each(name, func(v string) error { *to = v; return nil })
}

func (f flags) toggle(to *bool, name string) { f[name] = (*truth)(to) }

func (f flags) each(name string, set func(string) error) { f[name] = value(set) }

// set makes the command's flags. Those of other commands are left out.
func (f flags) set(command string) *flag.FlagSet {
	fs := flag.NewFlagSet("git-launcher", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are ours to print, once
	fs.Usage = func() {}
	for _, row := range launcherflags.Of(command) {
		fs.Var(f[row.Name], row.Name, "") // TestFlags: each has its destination
	}
	return fs
}

// value is a flag that a function takes.
type value func(string) error

func (v value) Set(s string) error { return v(s) }
func (v value) String() string     { return "" }

// truth is a flag without a value.
type truth bool

func (t *truth) IsBoolFlag() bool { return true }
func (t *truth) String() string   { return "" }
func (t *truth) Set(s string) error {
	on, err := strconv.ParseBool(s)
	if err != nil {
		return errors.New("it is neither true nor false")
	}
	*t = truth(on)
	return nil
}

// measuring are the flags of the commands that measure.
type measuring struct {
	guest    *guest.Options
	place    *receipt.Place
	platform string
}

func (m *measuring) flags(f flags, platform, receiptFile string) {
	f.text(&m.platform, "platform", platform)
	f.text((*string)(&m.guest.Way), "measure", string(guest.Auto))
	f.text(&m.guest.Socket, "dstack-endpoint", "/var/run/dstack.sock")
	f.duration(&m.guest.Timeout, "dstack-timeout", 30*time.Second)
	f.text(&m.place.File, "receipt", receiptFile)
	f.toggle(&m.place.InLog, "receipt-log")
	f.toggle(&m.place.Required, "require-receipt")
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

// fromEnv sets flags from GIT_LAUNCHER_ variables.
func fromEnv(fs *flag.FlagSet, env func(string) (string, bool)) (err error) {
	fs.VisitAll(func(f *flag.Flag) {
		name := "GIT_LAUNCHER_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v, ok := env(name)
		if !ok || err != nil {
			return
		}
		row, _ := launcherflags.Lookup(f.Name)
		if f.Name == "receipt" && !strings.HasSuffix(v, ".json") {
			// Anyone who sets variables must not have a file of their choice replaced.
			err = step.Usagef("the variable %s must name a .json file; the flag --receipt may name any", name)
		} else if row.FlagOnly {
			err = step.Usagef("the variable %s is not honoured; give the flag --%s", name, f.Name)
		} else if refused := fs.Set(f.Name, v); refused != nil {
			err = step.Usagef("the variable %s has a value that --%s does not take: %v", name, f.Name, refused)
		}
	})
	return err
}

// duration defines a flag that is a time. Go's own says no more than "parse error".
func (f flags) duration(to *time.Duration, name string, byDefault time.Duration) {
	*to = byDefault
	f.each(name, func(v string) (err error) {
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
func number[N int | int64](f flags, to *N, name string, byDefault, least N) {
	*to = byDefault
	f.each(name, func(v string) error {
		n, err := strconv.ParseInt(v, 0, 64)
		if err != nil || n < int64(least) {
			return fmt.Errorf("it must be a whole number from %d to %d", least, int64(math.MaxInt64))
		}
		*to = N(n)
		return nil
	})
}

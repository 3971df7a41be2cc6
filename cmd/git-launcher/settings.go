package main

import (
	"flag"
	"io"
	"strings"

	"gitlauncher/internal/gitmode"
	"gitlauncher/internal/launcherflags"
	"gitlauncher/internal/step"
	"gitlauncher/measure"
)

// settings is the command line of git mode, checked.
type settings struct {
	gitmode.Launch
	logging
	policyOut string        // only for check
	compose   string        // only for check
	asked     measure.Asked // only for receipt
	pin       pinSettings
}

// parseSettings reads flags, and the environment for those that are not on the command
// line.
func parseSettings(command string, args []string, env func(string) (string, bool)) (*settings, error) {
	var s settings
	var q question
	m := measuring{guest: &s.Guest, place: &s.Receipt}
	fs := s.flags(&m, &q).Set(command)
	if err := parseFlags(fs, args, env); err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	return &s, s.check(command, fs, &q)
}

// flags returns the destinations of git mode's flags.
func (s *settings) flags(m *measuring, q *question) launcherflags.Destinations {
	f := make(launcherflags.Destinations)
	s.logging.flags(f)
	m.flags(f, "tee", "/run/git-launcher/receipt.json")
	q.flags(f)
	f.Text(&s.policyOut, "policy-out", "")
	s.Bounds.Flags(f)
	f.Toggle(&s.History, "history")
	f.Text(&s.compose, "compose", "")
	s.pin.flags(f)
	return f
}

func (s *settings) check(command string, fs *flag.FlagSet, q *question) error {
	if err := s.logging.check(); err != nil {
		return err
	}
	if err := s.Bounds.Check(); err != nil {
		return err
	}
	switch {
	case s.Guest.Timeout <= 0:
		return step.Usagef("a timeout must be above zero")
	case !strings.HasPrefix(s.Guest.Socket, "/"):
		return step.Usagef("--dstack-endpoint must be the absolute path of a socket")
	case s.Receipt.File == "":
		return step.Usagef("--receipt must name a file")
	case s.policyOut != "" && command != "check":
		return step.Usagef("--policy-out is for the check command")
	case q.nonce != "" && command != "receipt":
		return step.Usagef("--nonce is for the receipt command")
	case command == "receipt" && fs.NArg() > 0:
		return step.Usagef("receipt takes no config file")
	case command != "pin" && fs.NArg() > 1:
		return step.Usagef("there is one config file, but %d were given (flags come before it)", fs.NArg())
	}
	var err error
	if s.asked, err = q.read(); err != nil {
		return err
	}
	if command == "pin" {
		return s.pin.check(fs.Args())
	}
	s.ConfigFile = fs.Arg(0)
	return nil
}

// connect sets the launch's streams, logger and clock.
func (s *settings) connect(stdout, stderr io.Writer) {
	s.Log, s.JSON, s.Stdout, s.Stderr, s.Sleep = s.logger(stderr), s.json(), stdout, stderr, sleep
	s.Guest.Log, s.Guest.Sleep, s.Receipt.Log = s.Log, sleep, s.Log
}

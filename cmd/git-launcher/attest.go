package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"gitlauncher/internal/attest"
	"gitlauncher/internal/launcherflags"
	"gitlauncher/internal/receipt"
	"gitlauncher/internal/step"
	"gitlauncher/measure/dstack"
)

// attestSettings is the command line of attest, checked.
type attestSettings struct {
	logging
	listen  string // HOST:PORT, or :PORT
	socket  string // the guest agent's, an absolute path
	timeout time.Duration
	left    string // the receipt that the launch has left
	key     string // the file with the workload's key; empty: none
}

func parseAttestSettings(args []string, env func(string) (string, bool)) (*attestSettings, error) {
	var s attestSettings
	fs := s.flags().Set("attest")
	if err := parseFlags(fs, args, env); err != nil {
		return nil, err
	}
	if err := s.logging.check(); err != nil {
		return nil, err
	}
	switch {
	case fs.NArg() > 0:
		return nil, step.Usagef("attest takes no argument, and %.60q is one", fs.Arg(0))
	case s.timeout <= 0:
		return nil, step.Usagef("a timeout must be above zero")
	case !strings.HasPrefix(s.socket, "/"):
		return nil, step.Usagef("--dstack-endpoint must be the absolute path of a socket")
	}
	if err := attest.CheckAddress(s.listen); err != nil {
		return nil, step.Usagef("--listen: %v", err)
	}
	return &s, nil
}

func (s *attestSettings) flags() launcherflags.Destinations {
	f := make(launcherflags.Destinations)
	s.logging.flags(f)
	f.Text(&s.listen, "listen", ":8081")
	f.Text(&s.socket, "dstack-endpoint", "/var/run/dstack.sock")
	f.Duration(&s.timeout, "dstack-timeout", 30*time.Second)
	f.Text(&s.left, "receipt", "/run/git-launcher/receipt.json")
	f.Each("bind-file", func(v string) error {
		if v == "" { // an empty name must not silently bind no key
			return errors.New("it must name a file")
		}
		s.key = v
		return nil
	})
	return f
}

// serve answers until the context ends.
func (s *attestSettings) serve(ctx context.Context, log *slog.Logger) error {
	agent, err := dstack.New(s.socket, s.timeout, log)
	if err != nil {
		return step.At(step.Agent, err)
	}
	maker := &receipt.Maker{Agent: agent, Left: s.left, Sleep: sleep}
	return step.At(step.Answer, attest.Run(ctx, s.listen, attest.Config{Maker: maker, KeyFile: s.key, Log: log}))
}

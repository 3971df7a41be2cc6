package main

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"gitlauncher/gitpin/fetch"
	"gitlauncher/measure"
)

// settings is the command line, checked.
type settings struct {
	configFile     string // as named on the command line, or empty
	measureBy      string // --measure
	measured       bool
	dstackEndpoint string
	dstackTimeout  time.Duration

	receiptFile    string
	receiptLog     bool
	requireReceipt bool
	policyOut      string // check alone
	nonce          []byte

	logFormat, logLevel string

	maxPackBytes, maxTreeBytes int64
	maxFiles, retries          int
	stall, pack, fetch, lock   time.Duration

	authoring
}

var errHelp = errors.New("help wanted")

// usageError is a command line that makes no sense.
type usageError struct{ reason string }

func (e *usageError) Error() string { return e.reason }

// parseSettings reads flags, and the environment for those that are not on the command
// line.
func parseSettings(command string, args []string, env func(string) (string, bool)) (*settings, error) {
	var s settings
	var platform, nonce string
	fs := s.newFlags()
	s.measureFlags(fs, &platform, "tee")
	fs.StringVar(&s.receiptFile, "receipt", "/run/git-launcher/receipt.json", "")
	fs.StringVar(&nonce, "nonce", "", "")
	fs.StringVar(&s.measureBy, "measure", measureAuto, "")
	fs.StringVar(&s.policyOut, "policy-out", "", "")
	fs.Int64Var(&s.maxPackBytes, "max-pack-bytes", 8<<30, "")
	fs.Int64Var(&s.maxTreeBytes, "max-tree-bytes", 32<<30, "")
	fs.IntVar(&s.maxFiles, "max-files", 2_000_000, "")
	fs.IntVar(&s.retries, "retries", -1, "")
	fs.DurationVar(&s.stall, "stall-timeout", 30*time.Second, "")
	fs.DurationVar(&s.pack, "pack-timeout", fetch.DefaultPackTimeout, "")
	fs.DurationVar(&s.fetch, "fetch-timeout", 15*time.Minute, "")
	fs.DurationVar(&s.lock, "lock-timeout", 10*time.Minute, "")
	s.authoring.flags(command, fs)

	if err := parseFlags(fs, args, env); err != nil {
		return nil, err
	}
	return &s, s.check(command, fs, platform, nonce)
}

// newFlags begins a command's flags with those that every command has.
func (s *settings) newFlags() *flag.FlagSet {
	fs := flag.NewFlagSet("git-launcher", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // errors are ours to print, once
	fs.Usage = func() {}
	fs.StringVar(&s.logFormat, "log-format", "text", "")
	fs.StringVar(&s.logLevel, "log-level", "info", "")
	return fs
}

// measureFlags adds those of the commands that measure.
func (s *settings) measureFlags(fs *flag.FlagSet, platform *string, byDefault string) {
	fs.StringVar(platform, "platform", byDefault, "")
	fs.StringVar(&s.dstackEndpoint, "dstack-endpoint", "/var/run/dstack.sock", "")
	fs.DurationVar(&s.dstackTimeout, "dstack-timeout", 30*time.Second, "")
	fs.BoolVar(&s.receiptLog, "receipt-log", false, "")
	fs.BoolVar(&s.requireReceipt, "require-receipt", false, "")
}

// parseFlags sets flags from variables, and then from the command line, which wins.
// PLATFORM is a variable of --platform, too, the weaker one. Errors are errHelp and
// *usageError.
func parseFlags(fs *flag.FlagSet, args []string, env func(string) (string, bool)) error {
	if v, ok := env("PLATFORM"); ok && fs.Lookup("platform") != nil {
		if v != "TEE" && v != "NONTEE" {
			return &usageError{"the variable PLATFORM is neither TEE nor NONTEE"}
		}
		if err := fs.Set("platform", strings.ToLower(v)); err != nil {
			return &usageError{err.Error()}
		}
	}
	if err := fromEnv(fs, env); err != nil {
		return err
	}
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return errHelp
	case err != nil:
		return &usageError{err.Error()}
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
			// Who sets variables must not have a file of their choice replaced.
			err = &usageError{"the variable " + name + " must name a .json file; the flag --receipt may name any"}
		} else if slices.Contains(flagOnly, f.Name) {
			err = &usageError{"the variable " + name + " is not honoured; give the flag --" + f.Name}
		} else if fs.Set(f.Name, v) != nil {
			err = &usageError{"the variable " + name + " has a value that --" + f.Name + " does not take"}
		}
	})
	return err
}

func (s *settings) check(command string, fs *flag.FlagSet, platform, nonce string) error {
	usage := func(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }
	if err := s.checkPlatform(platform); err != nil {
		return err
	}
	if err := s.checkLog(); err != nil {
		return err
	}
	if err := s.checkMeasure(); err != nil {
		return err
	}
	switch {
	case s.maxPackBytes <= 0 || s.maxTreeBytes <= 0 || s.maxFiles <= 0:
		return usage("a limit must be above zero")
	case s.stall <= 0 || s.pack <= 0 || s.fetch <= 0 || s.lock < 0 || s.dstackTimeout <= 0 || s.retries < -1:
		return usage("a timeout must be above zero, and --retries not below (but for -1, any number)")
	case !strings.HasPrefix(s.dstackEndpoint, "/"):
		return usage("--dstack-endpoint must be the absolute path of a socket")
	case s.receiptFile == "":
		return usage("--receipt must name a file")
	case s.policyOut != "" && command != "check":
		return usage("--policy-out is for the check command")
	case nonce != "" && command != "receipt":
		return usage("--nonce is for the receipt command")
	case command == "receipt" && fs.NArg() > 0:
		return usage("receipt takes no config file")
	case command != "pin" && fs.NArg() > 1:
		return usage("there is one config file, but %d were given (flags come before it)", fs.NArg())
	}
	var err error
	if s.nonce, err = hex.DecodeString(nonce); err != nil || len(s.nonce) > measure.MaxNonce {
		return usage("--nonce is not hex of at most %d bytes", measure.MaxNonce)
	}
	if command == "pin" {
		return s.authoring.check(fs.Args())
	}
	s.configFile = fs.Arg(0)
	return nil
}

func (s *settings) checkPlatform(platform string) error {
	switch s.measured = platform == "tee"; {
	case !s.measured && platform != "nontee":
		return &usageError{"--platform is neither tee nor nontee"}
	case s.requireReceipt && !s.measured:
		return &usageError{"--require-receipt can't be met with --platform nontee"}
	}
	return nil
}

func (s *settings) checkMeasure() error {
	switch {
	case s.measureBy != measureAuto && s.measureBy != measureRecord && s.measureBy != measurePinned:
		return &usageError{"--measure is not auto, record or pinned"}
	case s.measureBy != measureAuto && !s.measured:
		return &usageError{"--measure " + s.measureBy + " can't be met with --platform nontee"}
	}
	return nil
}

func (s *settings) checkLog() error {
	switch {
	case s.logFormat != "text" && s.logFormat != "json":
		return &usageError{"--log-format is neither text nor json"}
	case s.logLevel != "debug" && s.logLevel != "info" && s.logLevel != "warn" && s.logLevel != "error":
		return &usageError{"--log-level is not debug, info, warn or error"}
	}
	return nil
}

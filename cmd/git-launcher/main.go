// Command git-launcher starts a workload from one pinned Git commit, or from one
// approved container image, after proving every byte of it and measuring it into
// RTMR3. help/manual.txt is its manual. internal/gitmode/run.go and
// internal/imagemode/run.go have a whole launch of either kind on one screen.
//
// This package is wiring: it reads the command line, calls one package, and says of an
// error what to do about it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"gitlauncher/internal/advice"
	"gitlauncher/internal/step"
	"gitlauncher/internal/version"
)

func main() {
	// net/http writes headers, and so credentials, to this logger if GODEBUG asks for
	// it. The launcher uses another logger.
	log.SetOutput(io.Discard)
	// Until the workload takes over, a signal ends the launcher. Nothing half-done can
	// be run: the swap is atomic. A second one ends it at once, as a power cut would.
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals // for anything that ignores the first one
		os.Exit(advice.Other)
	}()
	os.Exit(launcher(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// launcher runs one command and returns the exit code.
func launcher(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	name := "run"
	names := []string{"run", "check", "receipt", "attest", "pin", "image", "help", "version"}
	if len(args) > 0 {
		switch word := args[0]; {
		case slices.Contains([]string{"help", "-h", "-help", "--help"}, word):
			of := strings.Join(args[1:], " ")
			if word == "help" && !hasHelp(of) {
				return misread("", step.Usagef("%s", noCommand(of, names)), stdout, stderr)
			}
			fmt.Fprint(stdout, help(of))
			return 0
		case slices.Contains(names, word):
			name, args = word, args[1:]
		case !strings.HasPrefix(word, "-") && !exists(word):
			return misread("", step.Usagef("%s", unknown(word, names)), stdout, stderr)
		}
	}
	switch name {
	case "image":
		return imageCommand(ctx, args, stdout, stderr)
	case "attest":
		set, err := parseAttestSettings(args, os.LookupEnv)
		if err != nil {
			return misread(name, err, stdout, stderr)
		}
		log := set.logger(stderr)
		return report(log, name, set.serve(ctx, log))
	case "version":
		fmt.Fprintln(stdout, "git-launcher", version.String())
		return 0
	}
	set, err := parseSettings(name, args, os.LookupEnv)
	if err != nil {
		return misread(name, err, stdout, stderr)
	}
	set.connect(stdout, stderr)
	switch name {
	case "check":
		err = set.Check(ctx, set.compose, set.policyOut)
	case "receipt":
		err = set.receipt(ctx)
	case "pin":
		err = set.Pin(ctx, &set.pin.PinRequest)
	default:
		err = set.Run(ctx)
	}
	return report(set.Log, name, err)
}

// exists reports whether there is, or may be, a file of that name. A name with a slash
// or a dot in it is meant as a file's.
func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil || strings.ContainsAny(name, "/.")
}

// misread answers a command line that can't be run, or that asks for the command's
// help.
func misread(name string, err error, stdout, stderr io.Writer) int {
	if errors.Is(err, errHelp) {
		fmt.Fprint(stdout, help(name))
		return 0
	}
	text := logging{"text", "info"}
	return report(text.logger(stderr), name, step.At(step.CommandLine, err))
}

// sleep waits, or ends with the context.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

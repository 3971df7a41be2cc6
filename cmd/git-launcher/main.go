// Command git-launcher starts a workload from one pinned Git commit, or from one
// approved container image, after proving every byte of it and measuring it into
// RTMR3. See usage.go for its manual, and run.go and image.go for a whole launch of
// either kind on one screen.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"

	"gitlauncher/internal/version"
)

func main() {
	// net/http writes headers, and so credentials, to this logger where GODEBUG asks for
	// it. The launcher has a logger of its own.
	log.SetOutput(io.Discard)
	// Until the workload takes over, a signal ends the launcher. Nothing half-done
	// can be run: the swap is atomic. A second one ends it where it stands, which is what
	// a power cut would do.
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals // whatever does not heed the first one
		os.Exit(exitOther)
	}()
	os.Exit(launcher(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// launcher runs one command and returns the exit code.
func launcher(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	name := "run"
	if len(args) > 0 {
		switch args[0] {
		case "run", "check", "receipt", "pin", "version":
			name, args = args[0], args[1:]
		case "image":
			return imageCommand(ctx, args[1:], stdout, stderr)
		case "help", "-h", "-help", "--help":
			fmt.Fprint(stdout, usage)
			return 0
		}
	}
	if name == "version" {
		fmt.Fprintln(stdout, "git-launcher", version.String())
		return 0
	}
	set, err := parseSettings(name, args, os.LookupEnv)
	if err != nil {
		return misread(err, usage, stdout, stderr)
	}
	l := &launch{settings: set, log: newLogger(set.logFormat, set.logLevel, stderr), stdout: stdout, stderr: stderr}
	switch name {
	case "check":
		err = l.check(ctx)
	case "receipt":
		err = l.receipt(ctx)
	case "pin":
		err = l.pin(ctx)
	default:
		err = l.run(ctx)
	}
	return report(l.log, err)
}

// misread answers a command line that can't be run: with the manual, where it asked for
// that.
func misread(err error, manual string, stdout, stderr io.Writer) int {
	if errors.Is(err, errHelp) {
		fmt.Fprint(stdout, manual)
		return 0
	}
	return report(newLogger("text", "info", stderr), at("read the command line", err))
}

package handover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// bashPlaces are the only places where bash is looked for, whatever PATH says.
var bashPlaces = []string{"/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"}

// Error says why a workload could not be started.
type Error struct {
	Doing string
	Err   error
}

func (e *Error) Error() string { return e.Doing + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Workload is what runs, and where. Script and Run exclude each other.
type Workload struct {
	WorkDir string // absolute, proven
	Subdir  string // below WorkDir, clean; empty for WorkDir itself

	Script  string // a file below Subdir, clean
	Run     string // a command for bash -c
	Install string // a command that runs, and must succeed, before Run; may be empty

	Env []string

	Log   *slog.Logger
	Ready func() // called when nothing but exec is left to do
}

// Exec becomes the workload, and returns only if that fails: with a *[Error], or with
// the cause of a context that ended before.
func Exec(ctx context.Context, w Workload) error {
	bash, err := findBash(bashPlaces)
	if err != nil {
		return &Error{"looking for bash", err}
	}
	dir := filepath.Join(w.WorkDir, w.Subdir)
	if err := enter(w.WorkDir, w.Subdir); err != nil {
		return &Error{"entering " + dir, err}
	}
	args, shown := scriptArgs(w.Script), ""
	if w.Run != "" {
		if err := w.install(ctx, bash); err != nil {
			return &Error{"INSTALL_CMD", err}
		}
		args, shown = commandArgs(w.Run), "bash -c RUN_CMD" // whose text is in the config, and may be long
	}
	if ctx.Err() != nil { // a signal that came too late for the steps before
		return context.Cause(ctx)
	}
	if shown == "" {
		shown = strings.Join(args, " ")
	}
	w.Log.Info("exec in " + dir + ": " + shown)
	w.Ready()
	// The workload gets only the standard streams. The launcher's own descriptors
	// close by themselves; these were left open by the program that started it.
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil && !errors.Is(err, unix.ENOSYS) {
		return &Error{"closing inherited descriptors", err}
	}
	return &Error{"exec of " + bash, syscall.Exec(bash, args, w.Env)}
}

// scriptArgs returns the arguments that run a script. A name that begins like an option
// gets ./ before it: bash would run its standard input instead.
func scriptArgs(name string) []string {
	if strings.HasPrefix(name, "-") || strings.HasPrefix(name, "+") {
		name = "./" + name
	}
	return []string{"bash", name}
}

// commandArgs returns the arguments that run a command by bash -c. Without --norc, bash
// would source ~/.bashrc first where a variable (SSH_CLIENT) or a socket as standard
// input makes it believe that sshd or rshd started it.
func commandArgs(command string) []string { return []string{"bash", "--norc", "-c", command} }

func findBash(places []string) (string, error) {
	for _, p := range places {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return p, nil
		}
	}
	return "", fmt.Errorf("bash is at none of %s", strings.Join(places, ", "))
}

// enter makes the target directory the current one, without following a symbolic link
// below workDir.
func enter(workDir, subdir string) error {
	const flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Open(workDir, flags, 0)
	if err != nil {
		return err
	}
	for part := range strings.SplitSeq(subdir, "/") {
		if part == "" {
			continue
		}
		next, err := unix.Openat(fd, part, flags, 0)
		unix.Close(fd)
		if err != nil {
			return err
		}
		fd = next
	}
	defer unix.Close(fd)
	return unix.Fchdir(fd)
}

// install runs the command before the workload's own; its failure ends the launch.
// Signals that reach the launcher meanwhile are passed to it.
func (w Workload) install(ctx context.Context, bash string) error {
	if w.Install == "" {
		return nil
	}
	w.Log.Info("running INSTALL_CMD")
	cmd := exec.Command(bash)
	cmd.Args, cmd.Env = commandArgs(w.Install), w.Env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			cmd.Process.Signal(s)
		case err := <-done:
			if err == nil && ctx.Err() != nil {
				err = context.Cause(ctx)
			}
			return err
		}
	}
}

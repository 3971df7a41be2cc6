package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"gitlauncher/config"
)

// bashPlaces are the only places where bash is looked for; PATH has no say.
var bashPlaces = []string{"/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"}

// startError is a workload that could not be started.
type startError struct {
	what string
	err  error
}

func (e *startError) Error() string { return e.what + ": " + e.err.Error() }
func (e *startError) Unwrap() error { return e.err }

// handOver becomes the workload. It returns only if that fails.
func (l *launch) handOver(ctx context.Context, cfg *config.Git) error {
	bash, err := findBash(bashPlaces)
	if err != nil {
		return &startError{"looking for bash", err}
	}
	dir := filepath.Join(cfg.WorkDir, cfg.Subdir.Clean())
	if err := enter(cfg.WorkDir, cfg.Subdir.Clean()); err != nil {
		return &startError{"entering " + dir, err}
	}
	env, removed := workloadEnv(os.Environ(), cfg)
	for _, name := range removed {
		l.log.Warn("removed " + name + " from the workload's environment; ALLOW_ENV=" + name + " in the config lets it through")
	}
	args := scriptArgs(cfg.Script.Clean())
	if cfg.Advanced != nil {
		if err := l.install(ctx, bash, cfg.Advanced.InstallCmd, env); err != nil {
			return &startError{"INSTALL_CMD", err}
		}
		args = bashC(cfg.Advanced.RunCmd)
	}
	if ctx.Err() != nil { // a signal that came too late for the steps before
		return context.Cause(ctx)
	}
	l.log.Info("exec in " + dir + ": " + shown(args))
	atStage("exec")
	// The workload gets the standard streams alone. (Ours close by themselves;
	// these are what whoever started the launcher left open.)
	if err := unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil && !errors.Is(err, unix.ENOSYS) {
		return &startError{"closing inherited descriptors", err}
	}
	return &startError{"exec of " + bash, syscall.Exec(bash, args, env)}
}

// scriptArgs runs a script. A name that begins like an option is given so that it is
// none: bash would run its standard input instead.
func scriptArgs(name string) []string {
	if strings.HasPrefix(name, "-") || strings.HasPrefix(name, "+") {
		name = "./" + name
	}
	return []string{"bash", name}
}

// bashC runs a command by bash -c. Without --norc, bash would first source ~/.bashrc
// where a variable (SSH_CLIENT) or a socket as standard input makes it believe that
// sshd or rshd started it.
func bashC(command string) []string { return []string{"bash", "--norc", "-c", command} }

// shown is how the log names what is run; RUN_CMD is in the config, and may be
// long.
func shown(args []string) string {
	if len(args) > 2 {
		return "bash -c RUN_CMD"
	}
	return strings.Join(args, " ")
}

func findBash(places []string) (string, error) {
	for _, p := range places {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return p, nil
		}
	}
	return "", fmt.Errorf("bash is at none of %s", strings.Join(places, ", "))
}

// enter makes the target directory the current one, without following a symbolic
// link below WORK_DIR.
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

// install runs INSTALL_CMD; its failure ends the launch. Signals that reach the
// launcher meanwhile go to it.
func (l *launch) install(ctx context.Context, bash, command string, env []string) error {
	if command == "" {
		return nil
	}
	l.log.Info("running INSTALL_CMD")
	cmd := exec.Command(bash)
	cmd.Args = bashC(command)
	cmd.Env = env
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

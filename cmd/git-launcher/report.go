package main

import (
	"errors"
	"log/slog"

	"gitlauncher/internal/advice"
	"gitlauncher/internal/attest"
	"gitlauncher/internal/step"
)

// report logs what failed in a command and what to do, and returns the exit code. For a
// command that launches it also logs what became of the workload.
func report(log *slog.Logger, command string, err error) int {
	if err == nil {
		return 0
	}
	code, hint := advise(err)
	if hint == seeHelp && command != "" && command != "run" {
		hint = "see git-launcher help " + command
	}
	name, cause := step.Name("launch"), err
	var s *step.Error
	if errors.As(err, &s) {
		name, cause = s.Step, s.Err
	}
	log.Error("FAILED to "+string(name)+": "+cause.Error(), "exit", code)
	state := ""
	switch {
	case name == step.Supervise:
		state = "the workload was started, and has no supervisor now. "
	case command == "run" || command == "image":
		state = "the workload was not started. "
	}
	log.Error(state + "What to do: " + hint)
	return code
}

// seeHelp is the hint for a command line that can't be read.
const seeHelp = "see git-launcher --help, and for image mode git-launcher image --help"

// advise returns exit code and hint by an error's type.
func advise(err error) (code int, hint string) {
	var usage *step.UsageError
	if errors.As(err, &usage) {
		return advice.Usage, seeHelp
	}
	for _, of := range []func(error) (int, string){advice.Git, adviseImage, advice.Measuring} {
		if code, hint := of(err); hint != "" {
			return code, hint
		}
	}
	var taken *attest.ListenError
	if errors.As(err, &taken) {
		return advice.Other, "name an address of this machine that no other program has, with --listen"
	}
	return advice.Other, advice.Unknown
}

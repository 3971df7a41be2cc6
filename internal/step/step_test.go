package step_test

import (
	"errors"
	"testing"

	"gitlauncher/internal/step"
)

func TestAt(t *testing.T) {
	if err := step.At(step.Pin, nil); err != nil {
		t.Errorf("a step without an error failed: %v", err)
	}
	cause := errors.New("no such host")
	err := step.At(step.Pin, cause)
	var failed *step.Error
	if !errors.As(err, &failed) || failed.Step != step.Pin || !errors.Is(err, cause) || err.Error() != "pin the commit: no such host" {
		t.Errorf("%#v", err)
	}
}

func TestUsagef(t *testing.T) {
	var usage *step.UsageError
	if err := step.At(step.CommandLine, step.Usagef("--%s is 100%% wrong", "x")); !errors.As(err, &usage) || usage.Reason != "--x is 100% wrong" {
		t.Errorf("%v", err)
	}
}

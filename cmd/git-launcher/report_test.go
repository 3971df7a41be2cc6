package main

import (
	"errors"
	"strings"
	"testing"

	"gitlauncher/internal/advice"
	"gitlauncher/internal/step"
)

// TestAdviseMeasuring: any failure while measuring is exit code 5, with a hint for
// operators.
func TestAdviseMeasuring(t *testing.T) {
	code, hint := advise(step.At(step.Measure, errors.New("a log that nobody has seen")))
	if code != advice.Measure || !strings.Contains(hint, "guest agent") || strings.Contains(hint, "*errors.") {
		t.Errorf("exit code %d, %q", code, hint)
	}
}

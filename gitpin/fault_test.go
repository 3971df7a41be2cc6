package gitpin

import (
	"errors"
	"io"
	"testing"

	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/pack/fault"
)

// TestHiddenEnd: a changed byte can hide where an object ends, so that a pack which came
// whole seems to end too early. That is the server's answer, not a fault of ours.
func TestHiddenEnd(t *testing.T) {
	early := fault.Truncated(io.EOF)
	var failed *fetch.Error
	if err := new(Params).fetchFault(early); !errors.As(err, &failed) || failed.Reason != fetch.BadAnswer {
		t.Errorf("%v", err)
	}
	if !isFault(early) {
		t.Error("another source is not asked")
	}
}

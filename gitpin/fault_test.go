package gitpin

import (
	"errors"
	"io"
	"testing"

	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/pack/fault"
)

// TestHiddenEnd: a changed byte can hide the end of an object, so that a complete pack seems
// to end too early. That is a bad answer of the server.
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

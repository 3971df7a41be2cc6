package imagecheck_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/engine"
	"gitlauncher/imagepin/oci"
	"gitlauncher/internal/guest"
	"gitlauncher/internal/imagecheck"
	"gitlauncher/internal/imagemode"
	"gitlauncher/internal/step"
)

// TestRunGoesOn: every finding is printed, each with what to do, and the first error is
// returned. Nothing is written to the shared volume.
func TestRunGoesOn(t *testing.T) {
	shared := t.TempDir()
	none := filepath.Join(shared, "none")
	var out bytes.Buffer
	log := slog.New(slog.DiscardHandler)
	o := &imagemode.Options{
		Docker: none, EngineTimeout: time.Second, Shared: shared, ApprovedFile: none, UserConfig: none,
		Guest: guest.Options{Measured: true, Socket: none, Timeout: time.Second, Log: log}, Log: log, Stdout: &out,
	}
	err := imagecheck.Run(t.Context(), o, func(error) string { return "mend it" })
	var failed *step.Error
	if !errors.As(err, &failed) || failed.Step != step.Measure { // the guest agent's are
		t.Errorf("%v", err)
	}
	for _, what := range []string{"guest agent", "Docker Engine", "user config", "approved digests"} {
		if !strings.Contains(out.String(), "FAILED  "+what) {
			t.Errorf("nothing of the %s in\n%s", what, out.String())
		}
	}
	if n, hints := strings.Count(out.String(), "FAILED"), strings.Count(out.String(), "what to do: mend it"); n != hints || !strings.Contains(out.String(), "ok      shared volume") {
		t.Errorf("%d failed, %d hints:\n%s", n, hints, out.String())
	}
	if entries, err := os.ReadDir(shared); err != nil || len(entries) > 0 {
		t.Errorf("the check left %v, %v", entries, err)
	}
}

// TestRunTypes: errors keep their types, from which the exit code follows.
func TestRunTypes(t *testing.T) {
	shared := t.TempDir()
	user := filepath.Join(shared, "user_config")
	if err := os.WriteFile(user, []byte("image = \"x\"\n\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	var errs []error
	log := slog.New(slog.DiscardHandler)
	o := &imagemode.Options{
		Docker: filepath.Join(shared, "none.sock"), EngineTimeout: time.Second, Shared: shared, ApprovedFile: filepath.Join(shared, "none"), UserConfig: user,
		Fallback: oci.Sum(nil), NoApproved: true, Guest: guest.Options{Log: log}, Log: log, Stdout: new(bytes.Buffer),
	}
	imagecheck.Run(t.Context(), o, func(err error) string { errs = append(errs, err); return "" })
	var absent *engine.Error
	if len(errs) != 2 || !errors.As(errs[0], &absent) || absent.Reason != engine.Absent {
		t.Errorf("%q", errs)
	}
	o.Profile = user
	var profile *imagepin.ProfileError
	if err := imagecheck.Run(t.Context(), o, func(error) string { return "" }); !errors.As(err, &profile) {
		t.Errorf("%v", err)
	}
}

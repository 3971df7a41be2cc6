package imagemode

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gitlauncher/imagepin/oci"
	"gitlauncher/internal/guest"
	"gitlauncher/internal/sim"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// options returns a launch beside a guest agent whose compose names image as its only
// one.
func options(t *testing.T, line sim.Line, image oci.Digest) (*Options, *dstack.Client) {
	t.Helper()
	compose := "services:\n  app:\n    image: x\n    command: [--approved, none]\n    environment:\n      DEFAULT_IMAGE_DIGEST: " + image.String() + "\n"
	app, err := json.Marshal(map[string]string{"docker_compose_file": compose})
	if err != nil {
		t.Fatal(err)
	}
	socket, stop, err := sim.Start(sim.Options{Dstack: line, AppCompose: app, Now: time.Now()}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	log := slog.New(slog.DiscardHandler)
	o := &Options{Log: log, Sleep: func(context.Context, time.Duration) error { return nil }}
	o.Guest = guest.Options{Measured: true, Way: guest.Auto, Socket: socket, Timeout: time.Minute, Log: log, Sleep: o.Sleep}
	agent, err := o.Guest.Agent()
	if err != nil {
		t.Fatal(err)
	}
	return o, agent
}

var one, other = oci.Sum([]byte("one")), oci.Sum([]byte("other"))

// TestBindRecorded: on dstack 0.5 a launch is recorded, and one image in a boot.
func TestBindRecorded(t *testing.T) {
	o, agent := options(t, sim.V05, one)
	if err := o.Bindable(t.Context(), agent, one); err != nil {
		t.Error(err)
	}
	record := []byte(`{"v":"1"}`)
	for range 2 { // a restart repeats it
		if binding, err := o.bind(t.Context(), agent, one, record); err != nil || binding != measure.Recorded {
			t.Errorf("%s, %v", binding, err)
		}
	}
	l := &launch{Options: o, agent: agent}
	if !l.inLog(t.Context(), one, record) || l.inLog(t.Context(), other, record) {
		t.Error("the log does not hold just this launch")
	}
	if err := o.Bindable(t.Context(), agent, other); !errors.Is(err, measure.ErrOtherImage) {
		t.Errorf("another image, before it is pulled: %v", err)
	}
	if _, err := o.bind(t.Context(), agent, other, record); !errors.Is(err, measure.ErrOtherImage) {
		t.Errorf("another image: %v", err)
	}
}

// TestBindPinned: on dstack 0.6 only the image that the measured compose names is launched,
// and none where a list can change what runs.
func TestBindPinned(t *testing.T) {
	o, agent := options(t, sim.V06, one)
	var unbound *UnboundError
	refuses := func(what string, digest oci.Digest, reason string) {
		t.Helper()
		if err := o.Bindable(t.Context(), agent, digest); !errors.As(err, &unbound) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s, before it is pulled: %v", what, err)
		}
		if _, err := o.bind(t.Context(), agent, digest, nil); !errors.As(err, &unbound) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refuses("a list of digests", one, "no event can say which of the approved digests runs")
	o.Guest.Way = guest.Pinned
	refuses("a list of digests, with --measure pinned", one, "--measure pinned goes with --approved none")
	o.NoApproved = true
	refuses("another image than the compose's", other, "no service of the measured compose file has this digest")
	for _, way := range []guest.Way{guest.Auto, guest.Pinned} {
		o.Guest.Way = way
		if err := o.Bindable(t.Context(), agent, one); err != nil {
			t.Errorf("%s: %v", way, err)
		}
		if binding, err := o.bind(t.Context(), agent, one, nil); err != nil || binding != measure.Pinned {
			t.Errorf("%s: %s, %v", way, binding, err)
		}
	}
	o.Guest.Way = guest.Record
	if _, err := o.bind(t.Context(), agent, one, nil); !errors.Is(err, measure.ErrNoEmit) {
		t.Errorf("--measure record: %v", err)
	}
}

// TestNoAgent: without a TEE nothing was launched before, and nothing is bound.
func TestNoAgent(t *testing.T) {
	var o Options
	if err := o.Bindable(t.Context(), nil, one); err != nil {
		t.Error(err)
	}
	if Launched(t.Context(), nil, "x", "y") {
		t.Error("a launch that no log holds")
	}
}

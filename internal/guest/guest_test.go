package guest_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/guest"
	"gitlauncher/internal/sim"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

func options(t *testing.T, line sim.Line) (*guest.Options, *bytes.Buffer) {
	t.Helper()
	socket, stop, err := sim.Start(sim.Options{Dstack: line, AppCompose: []byte("{}"), Now: time.Now()}, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	log := new(bytes.Buffer)
	return &guest.Options{Measured: true, Way: guest.Auto, Socket: socket, Timeout: time.Minute, Log: slog.New(slog.NewTextHandler(log, nil)),
		Sleep: func(context.Context, time.Duration) error { return nil }}, log
}

// TestAgent: a launch is measured, or says that it is not, or ends at once.
func TestAgent(t *testing.T) {
	o, log := options(t, sim.V05)
	if agent, err := o.Agent(); err != nil || agent == nil {
		t.Errorf("%v, %v", agent, err)
	}
	o.Socket = filepath.Join(t.TempDir(), "none.sock")
	var socket *dstack.SocketError
	if _, err := o.Agent(); !errors.As(err, &socket) {
		t.Errorf("without a guest agent: %v", err)
	}
	o.Measured = false
	if agent, err := o.Agent(); err != nil || agent != nil || !strings.Contains(log.String(), "NOT MEASURED") {
		t.Errorf("with --platform nontee: %v, %v\n%s", agent, err, log.String())
	}
}

// TestEmit: each event is recorded once in a boot.
func TestEmit(t *testing.T) {
	o, log := options(t, sim.V05)
	agent, err := o.Agent()
	if err != nil {
		t.Fatal(err)
	}
	events := []measure.Event{{Name: measure.EventCommit, Payload: []byte("a")}, {Name: measure.EventLaunch, Payload: []byte("b")}}
	for _, want := range []string{"new=2", "new=0"} {
		log.Reset()
		var seen measure.Boot
		if err := o.Emit(t.Context(), agent, events, func(b measure.Boot) error { seen = b; return nil }); err != nil {
			t.Fatal(err)
		}
		if !seen.Holds(events[0]) || !seen.Holds(events[1]) || !strings.Contains(log.String(), "events=2 "+want) {
			t.Errorf("not %s:\n%s", want, log.String())
		}
	}
	log.Reset()
	refused := errors.New("another image")
	if err := o.Emit(t.Context(), agent, events, func(measure.Boot) error { return refused }); !errors.Is(err, refused) || log.Len() > 0 {
		t.Errorf("a boot that the caller refuses: %v\n%s", err, log.String())
	}
}

// TestEmitNowhere: where no application can record events, the error says so, and nothing
// claims that the launch is measured.
func TestEmitNowhere(t *testing.T) {
	o, log := options(t, sim.V06)
	agent, err := o.Agent()
	if err != nil {
		t.Fatal(err)
	}
	err = o.Emit(t.Context(), agent, []measure.Event{{Name: measure.EventLaunch, Payload: []byte("b")}}, nil)
	if !errors.Is(err, measure.ErrNoEmit) || strings.Contains(log.String(), "launch measured") {
		t.Errorf("%v\n%s", err, log.String())
	}
}

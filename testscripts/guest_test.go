package testscripts

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/sim"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

// guest is a VM for tests that kill, restart and reboot: a simulated guest agent.
type guest struct {
	testing.TB
	socket   string
	shutdown func()
}

// reboot starts the guest agent again, with an empty register.
func (g *guest) reboot() {
	g.Helper()
	if g.shutdown != nil {
		g.shutdown()
	}
	m, err := sim.New(sim.Options{Dstack: sim.V05, AppCompose: []byte(appCompose), Now: time.Now()})
	if err != nil {
		g.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		if err := m.Serve(ctx, g.socket, func() { close(ready) }); err != nil {
			g.Errorf("simulator: %v", err)
		}
	}()
	<-ready
	g.shutdown = func() { cancel(); <-done }
}

// events returns the names of the events after system-ready, in a log that replays.
func (g *guest) events() string {
	g.Helper()
	agent, err := dstack.New(g.socket, 5*time.Second, slog.New(slog.DiscardHandler))
	if err != nil {
		g.Fatal(err)
	}
	state, err := agent.State(context.Background())
	if err != nil {
		g.Fatal(err)
	}
	events, err := state.Log.Replay()
	if err != nil || measure.End(events) != state.RTMR3 {
		g.Fatalf("the log does not replay: %v", err)
	}
	after, _ := measure.AfterReady(events)
	var names []string
	for _, e := range after {
		names = append(names, e.Name)
	}
	return strings.Join(names, " ")
}

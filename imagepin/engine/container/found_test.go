package container

import (
	"testing"

	"github.com/moby/moby/api/types/container"
)

// TestInspected: an answer is refused if it lacks a part that a comparison needs. A container
// that is paused, or about to be restarted, counts as running.
func TestInspected(t *testing.T) {
	whole := func() container.InspectResponse {
		return container.InspectResponse{
			ID: "0123456789abcdef", State: &container.State{StartedAt: "0001-01-01T00:00:00Z"}, Config: &container.Config{Image: "a@sha256:b", Labels: map[string]string{labelContainer: "sum"}},
			HostConfig: &container.HostConfig{}, NetworkSettings: &container.NetworkSettings{},
		}
	}
	for name, change := range map[string]func(c *container.InspectResponse){
		"state": func(c *container.InspectResponse) { c.State = nil }, "config": func(c *container.InspectResponse) { c.Config = nil },
		"host config": func(c *container.InspectResponse) { c.HostConfig = nil }, "networks": func(c *container.InspectResponse) { c.NetworkSettings = nil },
	} {
		c := whole()
		change(&c)
		if f, ok := Inspected(c); ok || f != nil {
			t.Errorf("an answer without %s is taken", name)
		}
	}
	for name, change := range map[string]func(s *container.State){
		"running": func(s *container.State) { s.Running = true }, "paused": func(s *container.State) { s.Paused = true }, "restarting": func(s *container.State) { s.Restarting = true },
		"": func(*container.State) {},
	} {
		c := whole()
		change(c.State)
		f, ok := Inspected(c)
		if !ok || f.Running != (name != "") || f.Image != "a@sha256:b" || f.SHA256 != "sum" || f.LastStart() != "" || f.String() != "0123456789ab (a@sha256:b)" {
			t.Errorf("%q: %+v", name, f)
		}
	}
	c := whole()
	c.State.StartedAt = "2026-11-26T12:00:00Z"
	if f, _ := Inspected(c); f.LastStart() != "2026-11-26T12:00:00Z" {
		t.Errorf("started at %q", f.LastStart())
	}
}

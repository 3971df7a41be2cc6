package container

import (
	"fmt"
	"strings"

	"github.com/moby/moby/api/types/container"
)

// Found is a container that the Engine has.
type Found struct {
	ID      string
	Running bool
	Image   string // as it was created: name@digest
	SHA256  string // container_sha256, as its label says

	Inspect container.InspectResponse
}

// Inspected is a container as the Engine described it. ok is false where the answer lacks a
// part without which nothing can be compared.
func Inspected(c container.InspectResponse) (f *Found, ok bool) {
	if c.State == nil || c.Config == nil || c.HostConfig == nil || c.NetworkSettings == nil {
		return nil, false
	}
	f = &Found{ID: c.ID, Image: c.Config.Image, SHA256: c.Config.Labels[labelContainer], Inspect: c}
	f.Running = c.State.Running || c.State.Paused || c.State.Restarting
	return f, true
}

// LastStart is when the container was last started; empty if it never was.
func (f *Found) LastStart() string {
	if at := f.Inspect.State.StartedAt; !strings.HasPrefix(at, "0001-01-01T") {
		return at
	}
	return ""
}

// String is for a log.
func (f *Found) String() string { return fmt.Sprintf("%s (%s)", Short(f.ID), f.Image) }

// Short is an id as people know it.
func Short(id string) string { return id[:min(len(id), 12)] }

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
	Image   string // the reference that it was created with: name@digest
	SHA256  string // container_sha256, as its label claims

	Inspect container.InspectResponse
}

// Inspected returns the container that the Engine's answer describes. ok is false where the
// answer lacks a part that a comparison needs.
func Inspected(c container.InspectResponse) (f *Found, ok bool) {
	if c.State == nil || c.Config == nil || c.HostConfig == nil || c.NetworkSettings == nil {
		return nil, false
	}
	f = &Found{ID: c.ID, Image: c.Config.Image, SHA256: c.Config.Labels[labelContainer], Inspect: c}
	f.Running = c.State.Running || c.State.Paused || c.State.Restarting
	return f, true
}

// LastStart returns the time of the container's last start, as the Engine writes it, or ""
// if it was never started.
func (f *Found) LastStart() string {
	if at := f.Inspect.State.StartedAt; !strings.HasPrefix(at, "0001-01-01T") {
		return at
	}
	return ""
}

// String returns the short id and the image, for a log.
func (f *Found) String() string { return fmt.Sprintf("%s (%s)", Short(f.ID), f.Image) }

// Short returns the first 12 digits of an id, which docker shows.
func Short(id string) string { return id[:min(len(id), 12)] }

package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/engine/container"
	"gitlauncher/internal/printable"
)

// About is the Engine in a few words, for people.
func (e *Engine) About() string { return e.about }

// Root is where the Engine keeps its data, in its own eyes.
func (e *Engine) Root() string { return e.root }

// Has reports whether the Engine has an image, and requires that it is the proven one. Errors:
// *[Error], *[imagepin.ProofError].
func (e *Engine) Has(ctx context.Context, image *imagepin.Image) (bool, error) {
	err := e.Verify(ctx, image)
	if ImageGone(err) {
		return false, nil
	}
	return err == nil, err
}

// Compare returns the container of the wanted one's name, and where it differs from the
// wanted one. found is nil if there is none. Compare changes nothing.
func (e *Engine) Compare(ctx context.Context, w *container.Wanted) (found *container.Found, differences []string, err error) {
	if found, err = e.Find(ctx, w.Name); err != nil || found == nil {
		return nil, nil, err
	}
	networkID, err := e.hasNetwork(ctx, w.Profile.Network)
	if err != nil {
		return nil, nil, err
	}
	return found, e.ways.Differences(found, w, networkID), nil
}

// hasNetwork is the id of a network, or the empty string where there is none.
func (e *Engine) hasNetwork(ctx context.Context, name string) (id string, err error) {
	return call(ctx, e, "looking for the network "+name, func(ctx context.Context) (string, error) {
		r, err := e.api.NetworkInspect(ctx, name, client.NetworkInspectOptions{})
		if cerrdefs.IsNotFound(err) {
			return "", nil
		}
		return r.Network.ID, err
	})
}

// PortsFree requires that nobody else has a wanted host port: no other running
// container, and no program that can be seen from the launcher's own network.
func (e *Engine) PortsFree(ctx context.Context, w *container.Wanted) error {
	ports, _, err := w.PortMap()
	if err != nil {
		return &SettingsError{w.Name, err.Error()}
	}
	list, err := call(ctx, e, "looking for taken ports", func(ctx context.Context) (client.ContainerListResult, error) {
		return e.api.ContainerList(ctx, client.ContainerListOptions{})
	})
	if err != nil {
		return err
	}
	var taken []string
	own := false // it has them itself, then
	for _, c := range list.Items {
		if slices.Contains(c.Names, "/"+w.Name) {
			own = true
			continue
		}
		for _, has := range c.Ports {
			for port, bindings := range ports {
				for _, b := range bindings {
					if has.Type == string(port.Proto()) && b.HostPort == fmt.Sprint(has.PublicPort) {
						taken = append(taken, fmt.Sprintf("%s by the container %s", b.HostPort, printable.Line(strings.TrimPrefix(strings.Join(c.Names, " "), "/"))))
					}
				}
			}
		}
	}
	if len(taken) == 0 && !own {
		taken = listening(w.Ports)
	}
	slices.Sort(taken)
	return portError(slices.Compact(taken))
}

// listening are the host ports that a program has on this network.
func listening(mappings []string) (taken []string) {
	for _, mapping := range mappings {
		port, _, _ := strings.Cut(mapping, ":")
		l, err := net.Listen("tcp", ":"+port)
		if errors.Is(err, syscall.EADDRINUSE) {
			taken = append(taken, port+" by a program of this machine")
		}
		if err == nil {
			l.Close()
		}
	}
	return taken
}

// portError is taken ports as an error like the Engine's own; nil where there are none.
func portError(taken []string) error {
	if len(taken) == 0 {
		return nil
	}
	return &Error{"looking for taken ports", PortTaken, strings.Join(taken, ", ")}
}

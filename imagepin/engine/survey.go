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

// About returns the Engine's version, API and store, for people.
func (e *Engine) About() string { return e.about }

// Root returns the directory of the Engine's data, as the Engine sees it.
func (e *Engine) Root() string { return e.root }

// Has reports whether the Engine has an image of this name, which must be the proven one.
// Errors: *[Error], *[imagepin.ProofError].
func (e *Engine) Has(ctx context.Context, image *imagepin.Image) (bool, error) {
	err := e.Verify(ctx, image)
	if ImageGone(err) {
		return false, nil
	}
	return err == nil, err
}

// Compare returns the container that has the wanted one's name, and where the two differ.
// found is nil if there is none. Compare changes nothing.
func (e *Engine) Compare(ctx context.Context, w *container.Wanted) (found *container.Found, differences []string, err error) {
	if found, err = e.Find(ctx, w.Name); err != nil || found == nil {
		return nil, nil, err
	}
	networkID, err := e.networkID(ctx, w.Profile.Network)
	if err != nil {
		return nil, nil, err
	}
	return found, e.traits.Differences(found, w, networkID), nil
}

// networkID returns the id of a network, or "" where there is none.
func (e *Engine) networkID(ctx context.Context, name string) (id string, err error) {
	return call(ctx, e, "looking for the network "+name, func(ctx context.Context) (string, error) {
		r, err := e.api.NetworkInspect(ctx, name, client.NetworkInspectOptions{})
		if cerrdefs.IsNotFound(err) {
			return "", nil
		}
		return r.Network.ID, err
	})
}

// PortsFree requires that nobody else has a wanted host port: no other running container,
// and no program on the launcher's own network.
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
	own := false // the wanted container runs, and has the ports itself
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

// listening returns the host ports that a program has on this network.
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

// portError returns an error like the Engine's own, or nil where no port is taken.
func portError(taken []string) error {
	if len(taken) == 0 {
		return nil
	}
	return &Error{"looking for taken ports", PortTaken, strings.Join(taken, ", ")}
}

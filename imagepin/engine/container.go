package engine

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	dockercontainer "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/engine/container"
)

// stopTimeout is how long a container may take to stop, in seconds.
const stopTimeout = 10

// Find returns the container with this name or id, or nil if there is none. The error is an
// *[Error].
func (e *Engine) Find(ctx context.Context, name string) (*container.Found, error) {
	r, err := call(ctx, e, "looking for the container "+name, func(ctx context.Context) (client.ContainerInspectResult, error) {
		r, err := e.api.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
		if cerrdefs.IsNotFound(err) {
			return client.ContainerInspectResult{}, nil
		}
		return r, err
	})
	c := r.Container
	if err != nil || c.ID != name && c.Name != "/"+name { // the Engine also accepts the beginning of an id
		return nil, err
	}
	f, ok := container.Inspected(c)
	if !ok {
		return nil, &Error{"looking for the container " + name, Failed, "its answer is incomplete"}
	}
	return f, nil
}

// Disarm makes sure that Docker itself never starts a container. A restart policy acts when
// the Engine starts, before any launcher does.
func (e *Engine) Disarm(ctx context.Context, f *container.Found) error {
	if p := f.Inspect.HostConfig.RestartPolicy.Name; p == dockercontainer.RestartPolicyDisabled || p == "" {
		return nil
	}
	e.log.Warn("taking the restart policy off the container: with it, Docker starts a node that nobody measured", "container", container.Short(f.ID), "policy", string(f.Inspect.HostConfig.RestartPolicy.Name))
	_, err := call(ctx, e, "taking the restart policy off the container", func(ctx context.Context) (client.ContainerUpdateResult, error) {
		return e.api.ContainerUpdate(ctx, f.ID, client.ContainerUpdateOptions{RestartPolicy: &dockercontainer.RestartPolicy{Name: dockercontainer.RestartPolicyDisabled}})
	})
	return err
}

// Halt disarms and stops a container. It is an error if the container still runs then.
func (e *Engine) Halt(ctx context.Context, f *container.Found) error {
	if err := e.Disarm(ctx, f); err != nil {
		return err
	}
	const doing = "stopping the container"
	patient := *e
	patient.timeout += stopTimeout * time.Second
	seconds := stopTimeout
	_, err := call(ctx, &patient, doing, func(ctx context.Context) (client.ContainerStopResult, error) {
		return e.api.ContainerStop(ctx, f.ID, client.ContainerStopOptions{Timeout: &seconds})
	})
	if err != nil {
		return err
	}
	now, err := e.Find(ctx, f.ID)
	if err == nil && now != nil && now.Running {
		err = &Error{doing, Failed, "it still runs"}
	}
	return err
}

// Prepare returns the wanted container. It keeps the one of that name if nothing differs,
// and otherwise makes a new one without starting it. It renames a container that it
// replaces first and removes it last. So at every moment a container uses the volumes and
// the image, and no prune removes them. Errors: *[Error] (with [NoImage], pull again),
// *[imagepin.ProofError], *[SettingsError].
func (e *Engine) Prepare(ctx context.Context, w *container.Wanted) (f *container.Found, kept bool, err error) {
	networkID, err := e.network(ctx, w.Profile)
	if err != nil {
		return nil, false, err
	}
	f, err = e.Find(ctx, w.Name)
	if err != nil {
		return nil, false, err
	}
	if f != nil {
		why := e.traits.Differs(f, w, networkID)
		if why == "" {
			return f, true, e.sweep(ctx, w)
		}
		if err := e.Verify(ctx, w.Proven); err != nil { // before anything is changed
			return nil, false, err
		}
		e.log.Info("replacing the container", "container", container.Short(f.ID), "because", why)
		if err := e.setAside(ctx, f, w.Name); err != nil {
			return nil, false, err
		}
	}
	if f, err = e.create(ctx, w, networkID); err != nil {
		return nil, false, err
	}
	return f, false, e.sweep(ctx, w)
}

// network returns the id of the profile's network. It makes a network that does not exist.
func (e *Engine) network(ctx context.Context, p *imagepin.Profile) (id string, err error) {
	doing := "looking for the network " + p.Network
	return call(ctx, e, doing, func(ctx context.Context) (string, error) {
		r, err := e.api.NetworkInspect(ctx, p.Network, client.NetworkInspectOptions{})
		if !cerrdefs.IsNotFound(err) {
			return r.Network.ID, err
		}
		made, err := e.api.NetworkCreate(ctx, p.Network, client.NetworkCreateOptions{Driver: "bridge", Labels: map[string]string{
			container.LabelProject: p.Project, container.LabelNetwork: strings.TrimPrefix(p.Network, p.Project+"_"),
		}})
		return made.ID, err
	})
}

// setAside stops a container and frees its name.
func (e *Engine) setAside(ctx context.Context, f *container.Found, name string) error {
	if err := e.Disarm(ctx, f); err != nil {
		return err
	}
	if f.Running {
		if err := e.Halt(ctx, f); err != nil {
			return err
		}
	}
	_, err := call(ctx, e, "renaming the container "+name, func(ctx context.Context) (client.ContainerRenameResult, error) {
		return e.api.ContainerRename(ctx, f.ID, client.ContainerRenameOptions{NewName: replacedName(name, f.ID)})
	})
	return err
}

func replacedName(name, id string) string { return name + ".replaced-" + container.Short(id) }

// create makes the container and compares it, as the Engine made it, with the wanted one.
func (e *Engine) create(ctx context.Context, w *container.Wanted, networkID string) (*container.Found, error) {
	options, err := w.Options()
	if err != nil {
		return nil, &SettingsError{w.Name, err.Error()}
	}
	if e.traits.Containerd { // its store may have several platforms of one image
		options.Platform = &ocispec.Platform{OS: w.Proven.Platform.OS, Architecture: w.Proven.Platform.Architecture, Variant: w.Proven.Platform.Variant}
	}
	// Before creating, which already fills empty volumes from the image.
	if err := e.Verify(ctx, w.Proven); err != nil {
		return nil, err
	}
	doing := "creating the container " + w.Name
	made, err := call(ctx, e, doing, func(ctx context.Context) (client.ContainerCreateResult, error) {
		r, err := e.api.ContainerCreate(ctx, options)
		if cerrdefs.IsNotFound(err) {
			err = errors.New("No such image: " + w.Proven.Reference())
		}
		return r, err
	})
	if err != nil {
		return nil, err
	}
	f, err := e.Find(ctx, made.ID)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, &Error{doing, NoContainer, "somebody removed it"}
	}
	if why := e.traits.Differs(f, w, networkID); why != "" {
		if err := e.remove(ctx, f.ID); err != nil {
			e.log.Warn("can't remove a container that differs from the wanted one", "container", container.Short(f.ID), "error", err.Error())
		}
		if err := e.traits.Proves(w.Proven, f.Inspect.Image); err != nil {
			return nil, err
		}
		return nil, &SettingsError{w.Name, "the Docker Engine made it differently: " + why}
	}
	return f, nil
}

// sweep removes containers that were replaced. The container that replaces them exists by
// then. A container that can't be removed is only logged.
func (e *Engine) sweep(ctx context.Context, w *container.Wanted) error {
	list, err := call(ctx, e, "looking for replaced containers", func(ctx context.Context) (client.ContainerListResult, error) {
		return e.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: make(client.Filters).Add("name", w.Name+".replaced-")})
	})
	if err != nil {
		return err
	}
	ours := regexp.MustCompile(`^/` + regexp.QuoteMeta(w.Name) + `\.replaced-[0-9a-f]{12}$`)
	for _, c := range list.Items {
		if len(c.Names) != 1 || !ours.MatchString(c.Names[0]) {
			continue
		}
		if err := e.remove(ctx, c.ID); err != nil {
			e.log.Warn("can't remove a replaced container", "container", container.Short(c.ID), "error", err.Error())
		}
	}
	return nil
}

// remove removes a container, even one that runs. Named volumes stay.
func (e *Engine) remove(ctx context.Context, id string) error {
	_, err := call(ctx, e, "removing the container "+container.Short(id), func(ctx context.Context) (client.ContainerRemoveResult, error) {
		return e.api.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true})
	})
	return err
}

// ImageGone reports whether an error says that the Engine does not have the image. Then a
// pull helps.
func ImageGone(err error) bool { return is(err, NoImage) }

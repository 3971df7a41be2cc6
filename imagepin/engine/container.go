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

// stopTimeout is how long a container that must stop may take for it, in seconds.
const stopTimeout = 10

// Find returns the container of a name or an id, or nil if there is none.
func (e *Engine) Find(ctx context.Context, name string) (*container.Found, error) {
	r, err := call(ctx, e, "looking for the container "+name, func(ctx context.Context) (client.ContainerInspectResult, error) {
		r, err := e.api.ContainerInspect(ctx, name, client.ContainerInspectOptions{})
		if cerrdefs.IsNotFound(err) {
			return client.ContainerInspectResult{}, nil
		}
		return r, err
	})
	c := r.Container
	if err != nil || c.ID != name && c.Name != "/"+name { // the Engine finds by the beginning of an id, too
		return nil, err
	}
	f, ok := container.Inspected(c)
	if !ok {
		return nil, &Error{"looking for the container " + name, Failed, "its answer is incomplete"}
	}
	return f, nil
}

// Disarm makes sure that Docker itself never starts a container: its restart
// policies act when the Engine starts, before any launcher does.
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

// Halt stops a container, and requires that it has stopped.
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

// Prepare makes the wanted container, without starting it, or keeps the one that
// is there if it is the wanted one. A container that it replaces is renamed first
// and removed last, so that at every moment a container owns the volumes and the
// image, and no prune takes them. Errors: *Error (NoImage: pull again),
// *imagepin.ProofError, *SettingsError.
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
		why := e.ways.Differs(f, w, networkID)
		if why == "" {
			return f, true, e.sweep(ctx, w)
		}
		if err := e.Verify(ctx, w.Image); err != nil { // before anything is touched
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

// network returns the id of the profile's network, and makes the network if need be.
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

// create makes the container and compares what the Engine made with what was wanted.
func (e *Engine) create(ctx context.Context, w *container.Wanted, networkID string) (*container.Found, error) {
	options, err := w.Options()
	if err != nil {
		return nil, &SettingsError{w.Name, err.Error()}
	}
	if e.ways.Containerd { // its store may hold several platforms of one image
		options.Platform = &ocispec.Platform{OS: w.Image.Platform.OS, Architecture: w.Image.Platform.Architecture, Variant: w.Image.Platform.Variant}
	}
	// Already creating fills empty volumes from the image.
	if err := e.Verify(ctx, w.Image); err != nil {
		return nil, err
	}
	doing := "creating the container " + w.Name
	made, err := call(ctx, e, doing, func(ctx context.Context) (client.ContainerCreateResult, error) {
		r, err := e.api.ContainerCreate(ctx, options)
		if cerrdefs.IsNotFound(err) {
			err = errors.New("No such image: " + w.Image.Reference())
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
	if why := e.ways.Differs(f, w, networkID); why != "" {
		if err := e.remove(ctx, f.ID); err != nil {
			e.log.Warn("a container that is not as wanted stays behind", "container", container.Short(f.ID), "error", err.Error())
		}
		if err := e.ways.Proves(w.Image, f.Inspect.Image); err != nil {
			return nil, err
		}
		return nil, &SettingsError{w.Name, "the Docker Engine did not make it as wanted: " + why}
	}
	return f, nil
}

// sweep removes containers that were replaced. Their successor exists.
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
			e.log.Warn("a replaced container stays behind", "container", container.Short(c.ID), "error", err.Error())
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

// ImageGone reports whether an error says that the Engine does not have the image, or no
// longer has it. Then pulling it helps.
func ImageGone(err error) bool { return is(err, NoImage) }

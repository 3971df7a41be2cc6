package engine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	dockermount "github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"gitlauncher/imagepin"
	"gitlauncher/measure"
)

// The labels of what is made here. With those of Docker Compose its `up` takes the
// container over when an operator goes back to the launcher before this one.
const (
	labelContainer = "git-launcher.container-sha256"
	labelProject   = "com.docker.compose.project"
	labelService   = "com.docker.compose.service"
	labelNumber    = "com.docker.compose.container-number"
	labelOneOff    = "com.docker.compose.oneoff"
	labelNetwork   = "com.docker.compose.network"
	labelVolume    = "com.docker.compose.volume"
	labelVersion   = "com.docker.compose.version"

	composeVersion = "2.0.0" // older ones' names for containers were others
)

// stopTimeout is how long a container that must stop may take for it, in seconds.
const stopTimeout = 10

// Wanted describes the container to have.
type Wanted struct {
	Image   *imagepin.Image
	Profile *imagepin.Profile
	measure.Container

	// Launched says that this boot's log holds a launch of it. Any other container that
	// ran is no longer its image: a run can change its own files, and the changes
	// outlive a reboot.
	Launched bool
}

// Found is a container that the Engine has.
type Found struct {
	ID      string
	Running bool
	Image   string // as it was created: name@digest
	SHA256  string // container_sha256, as its label says
	inspect container.InspectResponse
}

// Find returns the container of a name or an id, or nil if there is none.
func (e *Engine) Find(ctx context.Context, name string) (*Found, error) {
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
	if c.State == nil || c.Config == nil || c.HostConfig == nil || c.NetworkSettings == nil {
		return nil, &Error{"looking for the container " + name, Failed, "its answer is incomplete"}
	}
	f := &Found{ID: c.ID, Image: c.Config.Image, SHA256: c.Config.Labels[labelContainer], inspect: c}
	f.Running = c.State.Running || c.State.Paused || c.State.Restarting
	return f, nil
}

// lastStart is when the container was last started; empty if it never was.
func (f *Found) lastStart() string {
	if at := f.inspect.State.StartedAt; !strings.HasPrefix(at, "0001-01-01T") {
		return at
	}
	return ""
}

// Disarm makes sure that Docker itself never starts a container: its restart
// policies act when the Engine starts, before any launcher does.
func (e *Engine) Disarm(ctx context.Context, f *Found) error {
	if p := f.inspect.HostConfig.RestartPolicy.Name; p == container.RestartPolicyDisabled || p == "" {
		return nil
	}
	e.log.Warn("taking the restart policy off the container: with it, Docker starts a node that nobody measured", "container", short(f.ID), "policy", string(f.inspect.HostConfig.RestartPolicy.Name))
	_, err := call(ctx, e, "taking the restart policy off the container", func(ctx context.Context) (client.ContainerUpdateResult, error) {
		return e.api.ContainerUpdate(ctx, f.ID, client.ContainerUpdateOptions{RestartPolicy: &container.RestartPolicy{Name: container.RestartPolicyDisabled}})
	})
	return err
}

// Halt stops a container, and requires that it has stopped.
func (e *Engine) Halt(ctx context.Context, f *Found) error {
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
func (e *Engine) Prepare(ctx context.Context, w *Wanted) (f *Found, kept bool, err error) {
	networkID, err := e.network(ctx, w.Profile)
	if err != nil {
		return nil, false, err
	}
	f, err = e.Find(ctx, w.Name)
	if err != nil {
		return nil, false, err
	}
	if f != nil {
		why := e.differs(f, w, networkID)
		if why == "" {
			return f, true, e.sweep(ctx, w)
		}
		if err := e.Verify(ctx, w.Image); err != nil { // before anything is touched
			return nil, false, err
		}
		e.log.Info("replacing the container", "container", short(f.ID), "because", why)
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
			labelProject: p.Project, labelNetwork: strings.TrimPrefix(p.Network, p.Project+"_"),
		}})
		return made.ID, err
	})
}

// setAside stops a container and frees its name.
func (e *Engine) setAside(ctx context.Context, f *Found, name string) error {
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

func replacedName(name, id string) string { return name + ".replaced-" + short(id) }

func short(id string) string { return id[:min(len(id), 12)] }

// create makes the container and compares what the Engine made with what was wanted.
func (e *Engine) create(ctx context.Context, w *Wanted, networkID string) (*Found, error) {
	options, err := w.options()
	if err != nil {
		return nil, err
	}
	if e.containerd { // its store may hold several platforms of one image
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
	if why := e.differs(f, w, networkID); why != "" {
		if err := e.remove(ctx, f.ID); err != nil {
			e.log.Warn("a container that is not as wanted stays behind", "container", short(f.ID), "error", err.Error())
		}
		if err := e.proves(w.Image, f.inspect.Image); err != nil {
			return nil, err
		}
		return nil, &SettingsError{w.Name, "the Docker Engine did not make it as wanted: " + why}
	}
	return f, nil
}

// options translates the description for the Engine.
func (w *Wanted) options() (client.ContainerCreateOptions, error) {
	sum, err := w.SHA256()
	if err != nil {
		return client.ContainerCreateOptions{}, &SettingsError{w.Name, err.Error()}
	}
	ports, exposed, err := w.ports()
	if err != nil {
		return client.ContainerCreateOptions{}, &SettingsError{w.Name, err.Error()}
	}
	mounts, err := w.mounts()
	if err != nil {
		return client.ContainerCreateOptions{}, &SettingsError{w.Name, err.Error()}
	}
	return client.ContainerCreateOptions{
		Name: w.Name,
		Config: &container.Config{
			Image: w.Container.Image, Cmd: w.Command, Env: w.Env, ExposedPorts: exposed,
			Labels: map[string]string{
				labelContainer: sum, labelProject: w.Profile.Project, labelService: w.Profile.Service, labelNumber: "1", labelOneOff: "False", labelVersion: composeVersion,
			},
		},
		HostConfig: &container.HostConfig{
			Mounts: mounts, PortBindings: ports, NetworkMode: container.NetworkMode(w.Network),
			SecurityOpt: w.SecurityOpt, RestartPolicy: container.RestartPolicy{Name: container.RestartPolicyMode(w.Restart)},
		},
		NetworkingConfig: &network.NetworkingConfig{EndpointsConfig: map[string]*network.EndpointSettings{
			w.Network: {Aliases: []string{w.Profile.Service}},
		}},
	}, nil
}

func (w *Wanted) ports() (network.PortMap, network.PortSet, error) {
	ports, exposed := make(network.PortMap), make(network.PortSet)
	for _, s := range w.Ports {
		host, inside, _ := strings.Cut(s, ":")
		port, err := network.ParsePort(inside)
		if err != nil {
			return nil, nil, err
		}
		ports[port] = append(ports[port], network.PortBinding{HostPort: host})
		exposed[port] = struct{}{}
	}
	return ports, exposed, nil
}

// mounts describes the mounts in the form in which the Engine never creates a missing
// source. In the other form a missing socket would become a folder.
func (w *Wanted) mounts() ([]dockermount.Mount, error) {
	var out []dockermount.Mount
	for _, s := range w.Mounts {
		m, err := imagepin.ParseMount(s)
		if err != nil {
			return nil, err
		}
		d := dockermount.Mount{Type: dockermount.TypeBind, Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly}
		if m.Volume() {
			d.Type = dockermount.TypeVolume
			d.VolumeOptions = &dockermount.VolumeOptions{Labels: map[string]string{labelProject: w.Profile.Project, labelVolume: m.Source}}
		}
		out = append(out, d)
	}
	return out, nil
}

// sweep removes containers that were replaced. Their successor exists.
func (e *Engine) sweep(ctx context.Context, w *Wanted) error {
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
			e.log.Warn("a replaced container stays behind", "container", short(c.ID), "error", err.Error())
		}
	}
	return nil
}

// remove removes a container, even one that runs. Named volumes stay.
func (e *Engine) remove(ctx context.Context, id string) error {
	_, err := call(ctx, e, "removing the container "+short(id), func(ctx context.Context) (client.ContainerRemoveResult, error) {
		return e.api.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true})
	})
	return err
}

// String is for a log.
func (f *Found) String() string { return fmt.Sprintf("%s (%s)", short(f.ID), f.Image) }

// ImageGone reports whether an error says that the Engine does not have the image, or no
// longer has it. Then pulling it helps.
func ImageGone(err error) bool { return is(err, NoImage) }

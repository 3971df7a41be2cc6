package container

import (
	"strings"

	"github.com/moby/moby/api/types/container"
	dockermount "github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"gitlauncher/imagepin"
	"gitlauncher/measure"
)

// The labels of a container, network or volume. With Docker Compose's labels, its `up`
// takes the container over when an operator goes back to the launcher before this one.
const (
	labelContainer = "git-launcher.container-sha256"
	LabelProject   = "com.docker.compose.project"
	labelService   = "com.docker.compose.service"
	labelNumber    = "com.docker.compose.container-number"
	labelOneOff    = "com.docker.compose.oneoff"
	LabelNetwork   = "com.docker.compose.network"
	labelVolume    = "com.docker.compose.volume"
	labelVersion   = "com.docker.compose.version"

	composeVersion = "2.0.0" // older versions name containers differently
)

// Wanted describes the container that the launcher wants.
type Wanted struct {
	Proven  *imagepin.Image // the proven image, which Container.Image names
	Profile *imagepin.Profile
	measure.Container

	// Launched says that this boot's log has a launch of the container. Any other container
	// that ran may differ from its image: a run can change its own files, and the changes
	// outlive a reboot.
	Launched bool
}

// Options returns the description as the Engine takes it.
func (w *Wanted) Options() (client.ContainerCreateOptions, error) {
	sum, err := w.SHA256()
	if err != nil {
		return client.ContainerCreateOptions{}, err
	}
	ports, exposed, err := w.PortMap()
	if err != nil {
		return client.ContainerCreateOptions{}, err
	}
	mounts, err := w.mountList()
	if err != nil {
		return client.ContainerCreateOptions{}, err
	}
	return client.ContainerCreateOptions{
		Name: w.Name,
		Config: &container.Config{
			Image: w.Image, Cmd: w.Command, Env: w.Env, ExposedPorts: exposed,
			Labels: map[string]string{
				labelContainer: sum, LabelProject: w.Profile.Project, labelService: w.Profile.Service, labelNumber: "1", labelOneOff: "False", labelVersion: composeVersion,
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

// PortMap returns the published ports by the port inside the container, and the set of the
// ports inside.
func (w *Wanted) PortMap() (network.PortMap, network.PortSet, error) {
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

// mountList returns the mounts in the form in which the Engine does not create a missing
// source. In the other form, a missing socket would become a directory.
func (w *Wanted) mountList() ([]dockermount.Mount, error) {
	var out []dockermount.Mount
	for _, s := range w.Mounts {
		m, err := imagepin.ParseMount(s)
		if err != nil {
			return nil, err
		}
		d := dockermount.Mount{Type: dockermount.TypeBind, Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly}
		if m.Volume() {
			d.Type = dockermount.TypeVolume
			d.VolumeOptions = &dockermount.VolumeOptions{Labels: map[string]string{LabelProject: w.Profile.Project, labelVolume: m.Source}}
		}
		out = append(out, d)
	}
	return out, nil
}

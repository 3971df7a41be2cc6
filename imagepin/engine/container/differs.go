package container

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/container"
	dockermount "github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"

	"gitlauncher/imagepin"
	"gitlauncher/imagepin/oci"
)

// The system paths that every Engine hides from a container or makes read-only by default.
var (
	MaskedPaths   = []string{"/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/sys/firmware"}
	ReadonlyPaths = []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
)

// FailedRun is the difference of a container whose last run failed. The run may have
// changed the container's own files. These are then not what was measured, and may be why
// it failed.
const FailedRun = "its last run failed"

// Traits are what a comparison needs to know about the Engine: how it names images, and
// its defaults for containers.
type Traits struct {
	Containerd         bool // it keeps images in containerd's store, and names them by manifest or index
	Runtime, LogDriver string
	CgroupNS           bool // a container has its own control-group namespace
}

// Differs returns the first of the [Traits.Differences], or "".
func (t *Traits) Differs(f *Found, w *Wanted, networkID string) string {
	if d := t.Differences(f, w, networkID); len(d) > 0 {
		return d[0]
	}
	return ""
}

// Differences lists where a container differs from the wanted one. What the launcher sets
// must be there, and what comes from the image must be the image's. Nothing else that gives
// a container power may be set, because somebody else can prepare a container under the
// launcher's name and label.
func (t *Traits) Differences(f *Found, w *Wanted, networkID string) []string {
	sum, err := w.SHA256()
	c, h := f.Inspect.Config, f.Inspect.HostConfig
	ports, _, err2 := w.PortMap()
	mounts, err3 := w.mountList()
	if err != nil || err2 != nil || err3 != nil {
		return []string{"it can't be described"}
	}
	var found []string
	if t.otherImage(f, w) {
		found = append(found, "image")
	}
	attached := f.Inspect.NetworkSettings.Networks
	image := w.Proven.Config
	for _, check := range []struct {
		what string
		good bool
	}{
		{"name", f.Inspect.Name == "/"+w.Name},
		{"command", equal(c.Cmd, w.command())},
		{"entrypoint", equal(c.Entrypoint, image.Entrypoint)},
		{"environment", sameSet(c.Env, w.environment())},
		{"user", c.User == image.User},
		{"working directory", path.Clean("/"+c.WorkingDir) == path.Clean("/"+image.WorkingDir)}, // the Engine cleans it
		{"health check", equal(healthTest(c), image.Healthcheck)},
		{"terminal", !c.Tty && !c.OpenStdin},
		{"mounts", sameMounts(h.Mounts, mounts) && len(h.Binds) == 0 && len(h.VolumesFrom) == 0 && len(h.Tmpfs) == 0 &&
			holdsAll(image.Volumes, slices.Collect(maps.Keys(c.Volumes)))},
		{"system paths", holdsAll(h.MaskedPaths, MaskedPaths) && holdsAll(h.ReadonlyPaths, ReadonlyPaths)},
		{"ports", samePorts(h.PortBindings, ports) && !h.PublishAllPorts},
		{"network", string(h.NetworkMode) == w.Network && len(attached) <= 1 && len(h.Links)+len(h.ExtraHosts)+len(h.DNS)+len(h.DNSOptions)+len(h.DNSSearch) == 0},
		{"security options", equal(h.SecurityOpt, w.SecurityOpt)},
		{"restart policy", string(h.RestartPolicy.Name) == w.Restart && !h.AutoRemove},
		{"privileges", !h.Privileged && len(h.CapAdd)+len(h.CapDrop)+len(h.GroupAdd) == 0},
		{"devices", len(h.Devices)+len(h.DeviceRequests)+len(h.DeviceCgroupRules) == 0},
		{"namespaces", h.PidMode == "" && (h.IpcMode == "" || h.IpcMode == container.IPCModePrivate || h.IpcMode == container.IPCModeShareable) &&
			h.UTSMode == "" && h.UsernsMode == "" && h.Cgroup == "" && h.CgroupParent == "" && (h.CgroupnsMode.IsPrivate() || !t.CgroupNS)},
		{"runtime", (h.Runtime == "" || h.Runtime == t.Runtime) && len(h.Sysctls) == 0 && len(h.Annotations) == 0 && (h.Init == nil || !*h.Init) && h.Umask == nil},
		{"log driver", h.LogConfig.Type == t.LogDriver},
		{"label", f.SHA256 == sum && c.Labels[LabelProject] == w.Profile.Project && c.Labels[labelService] == w.Profile.Service}, // last, since it explains least
	} {
		if !check.good {
			found = append(found, check.what)
		}
	}
	if !w.Launched && (f.Running || f.LastStart() != "") {
		found = append(found, "it ran, and its launch is not in the log of this boot")
	}
	if !f.Running && f.LastStart() != "" && f.Inspect.State.ExitCode != 0 {
		found = append(found, FailedRun)
	}
	for name, endpoint := range attached {
		// A container can't join a network that was removed and made anew, even with the same name.
		if name != w.Network || endpoint != nil && endpoint.NetworkID != "" && endpoint.NetworkID != networkID {
			found = append(found, "network")
		}
	}
	slices.Sort(found[min(1, len(found)):]) // the first is what Differs returns
	return slices.Compact(found)
}

// otherImage reports whether the container is made of another image than the proven one.
func (t *Traits) otherImage(f *Found, w *Wanted) bool {
	if f.Image != w.Image || t.Proves(w.Proven, f.Inspect.Image) != nil {
		return true
	}
	d := f.Inspect.ImageManifestDescriptor // only newer Engines report it; it may be of another platform
	return d != nil && d.Digest.String() != w.Proven.Manifest.String()
}

// command returns the command that runs: the wanted one, or else the image's own.
func (w *Wanted) command() []string {
	if len(w.Command) > 0 {
		return w.Command
	}
	return w.Proven.Config.Cmd
}

// environment returns the wanted variables and those of the image, by the Engine's rules:
// of two variables with one name, the first counts.
func (w *Wanted) environment() []string {
	if len(w.Env) == 0 {
		return w.Proven.Config.Env
	}
	have := make(map[string]bool)
	for _, e := range w.Env {
		name, _, _ := strings.Cut(e, "=")
		have[name] = true
	}
	env := slices.Clone(w.Env)
	for _, e := range w.Proven.Config.Env {
		if name, _, _ := strings.Cut(e, "="); !have[name] {
			env, have[name] = append(env, e), true
		}
	}
	return env
}

// healthTest returns what a container's health check runs.
func healthTest(c *container.Config) []string {
	if c.Healthcheck == nil {
		return nil
	}
	return c.Healthcheck.Test
}

func equal(a, b []string) bool { return slices.Equal(a, b) }

// holdsAll reports whether list has every element of some.
func holdsAll(list, some []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(list, s) })
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func sameMounts(a, b []dockermount.Mount) bool {
	return slices.EqualFunc(a, b, func(x, y dockermount.Mount) bool {
		plain := x.BindOptions == nil && x.ImageOptions == nil && x.TmpfsOptions == nil && x.ClusterOptions == nil &&
			(x.VolumeOptions == nil || x.VolumeOptions.DriverConfig == nil && x.VolumeOptions.Subpath == "")
		return plain && x.Type == y.Type && x.Source == y.Source && x.Target == y.Target && x.ReadOnly == y.ReadOnly
	})
}

func samePorts(a, b network.PortMap) bool {
	list := func(m network.PortMap) (out []string) {
		for port, bindings := range m {
			for _, b := range bindings {
				out = append(out, fmt.Sprintf("%v:%s:%s", b.HostIP, b.HostPort, port))
			}
		}
		return slices.Sorted(slices.Values(out))
	}
	return slices.Equal(list(a), list(b))
}

// Proves requires that id, by which the Engine names an image, is that of the proven image.
// The error is an *[imagepin.ProofError].
func (t *Traits) Proves(image *imagepin.Image, id string) error {
	want := []oci.Digest{image.ConfigID}
	if t.Containerd {
		want = append(append([]oci.Digest{}, image.Indexes...), image.Manifest)
	}
	for _, d := range want {
		if id == d.String() {
			return nil
		}
	}
	return &imagepin.ProofError{Reference: image.Reference(), Reason: fmt.Sprintf("the Docker Engine has another image under this name: %.100q, not %s", id, want[len(want)-1])}
}

package compose

import (
	"fmt"
	"slices"
	"strings"
)

// The places in the VM through which a container takes over the launch: the
// sockets, Docker's and dstack's data, and the system itself.
var takeover = []struct{ path, why string }{
	{"/run/dstack.sock", "whoever has the guest agent's socket can write any event into the log"},
	{"/run/docker.sock", "whoever has Docker's socket is root in the VM"},
	{"/run/containerd", "whoever has containerd's socket is root in the VM"},
	{"/var/lib/docker", "Docker's data holds every container's files and volumes"},
	{"/var/lib/containerd", "containerd's data holds every container's files"},
	{"/dev", "host devices reach the disks and the TDX device itself"},
	{"/proc", "the host's /proc reaches every process"},
	{"/sys", "the host's /sys reaches the kernel"},
	{"/dstack", "dstack's own data decides what runs"},
	{"/tapp/docker-compose.yaml", "it decides what runs at the next start"},
	{"/tapp/docker-compose.yml", "it decides what runs at the next start"},
	{"/tapp/app-compose.json", "it decides what runs at the next start"},
	{"/tapp/user_config", "the launcher reads it"},
	{"/tapp/.host-shared", "the launcher and dstack read it"},
	{"/run", "the sockets are in it"}, {"/etc", "it configures the system"}, {"/usr", "it is the system"}, {"/bin", "it is the system"},
	{"/sbin", "it is the system"}, {"/lib", "it is the system"}, {"/lib64", "it is the system"}, {"/boot", "it is the system"}, {"/root", "it is root's home"},
}

// reaches says whether mounting a host path takes over, and how.
func takesOver(source string) (why string, bad bool) {
	p := hostPath(source)
	for _, t := range takeover {
		if within(p, t.path) || within(t.path, p) {
			return t.why, true
		}
	}
	return "", false
}

// harmlessCaps are the capabilities that a service may add without a word.
var harmlessCaps = []string{"CHOWN", "NET_BIND_SERVICE", "SETUID", "SETGID", "KILL", "SETPCAP", "AUDIT_WRITE"}

// other judges a service that is not the launcher's. All of its problems can be
// accepted by service:NAME.
func (j *judge) other(name string, service map[string]any) {
	bad := func(what, why string) { j.problem("service "+name, "service:"+name, what, why) }
	for _, key := range []struct{ key, why string }{
		{"build", "it is built from files that are not measured"},
		{"extends", "it takes settings from a file that is not measured"},
		{"pid", "it shares a process namespace and can trace what runs there"},
		{"devices", "host devices reach the disks and the TDX device itself"},
		{"device_cgroup_rules", "they open host devices"},
		{"volumes_from", "it shares every volume and socket of another service"},
		{"use_api_socket", "it gets Docker's socket"},
		{"provider", "it runs a program of the VM instead of a container"},
		{"credential_spec", "it takes credentials from files that are not measured"},
		{"pre_start", "its hooks can run privileged"}, {"post_start", "its hooks can run privileged"}, {"pre_stop", "its hooks can run privileged"},
	} {
		if service[key.key] != nil {
			bad("has "+key.key, key.why)
		}
	}
	if p := service["privileged"]; p != nil && p != false && p != "false" {
		bad("is privileged", "a privileged container is root in the VM")
	}
	for _, key := range []string{"userns_mode", "ipc", "cgroup", "uts"} {
		if s, _ := service[key].(string); s == "host" || strings.HasPrefix(s, "container:") || strings.HasPrefix(s, "service:") {
			bad("has "+key+": "+s, "it leaves the container")
		}
	}
	for _, c := range texts(service["cap_add"]) {
		if !slices.Contains(harmlessCaps, strings.TrimPrefix(strings.ToUpper(c), "CAP_")) {
			bad(fmt.Sprintf("adds the capability %.40s", c), "with it a container can leave its bounds")
		}
	}
	for _, o := range texts(service["security_opt"]) {
		if strings.Contains(o, "unconfined") || strings.HasPrefix(o, "label") && strings.Contains(o, "disable") {
			bad("has security_opt "+o, "it lifts the container's confinement")
		}
	}
	for _, key := range []string{"volumes", "configs", "secrets", "tmpfs", "privileged", "pid", "ipc", "cap_add", "security_opt", "runtime", "network_mode", "env_file", "label_file"} {
		if filledIn(service[key]) {
			bad("has a ${…} in "+key, "whoever deploys fills it in, unmeasured, with a path or a right")
		}
	}
	j.otherMounts(service, bad)
}

func (j *judge) otherMounts(service map[string]any, bad func(what, why string)) {
	shared := j.launcherVolumes()
	for _, m := range mounts(service) {
		switch m.kind {
		case "bind", "":
			if why, is := takesOver(m.source); is {
				bad(fmt.Sprintf("mounts %.100s", m.source), why)
			}
		case "volume":
			if m.source != "" && slices.Contains(shared, j.model.volumeName(m.source)) {
				bad(fmt.Sprintf("mounts the volume %.60s", m.source), "the launcher's service mounts it too, and its files decide what runs")
			}
			j.driver(m.source, bad)
		case "tmpfs":
		default:
			bad(fmt.Sprintf("has a mount of type %.40s", m.kind), "that type is not understood here")
		}
	}
	for _, kind := range []string{"configs", "secrets"} {
		list, _ := service[kind].([]any)
		for _, v := range list {
			e, _ := v.(map[string]any)
			source, _ := e["source"].(string)
			def := j.model.entry(kind, source)
			if file, ok := def["file"].(string); ok {
				if why, is := takesOver(file); is {
					bad(fmt.Sprintf("has the file %.100s as one of its %s", file, kind), why)
				}
			}
			if filledIn(def["file"]) {
				bad(fmt.Sprintf("has a ${…} in the file of one of its %s", kind), "whoever deploys fills it in, unmeasured, with a path")
			}
		}
	}
}

// driver judges a named volume that is really a bind mount, or somebody's plugin.
func (j *judge) driver(key string, bad func(what, why string)) {
	def := j.model.entry("volumes", key)
	if d, _ := def["driver"].(string); d != "" && d != "local" {
		bad(fmt.Sprintf("mounts the volume %.60s of driver %.40s", key, d), "a volume plugin decides what is in it")
	}
	if filledIn(def) {
		bad(fmt.Sprintf("mounts the volume %.60s, which has a ${…}", key), "whoever deploys fills it in, unmeasured")
	}
	opts, _ := def["driver_opts"].(map[string]any)
	if device, _ := opts["device"].(string); device != "" {
		if why, is := takesOver(device); is {
			bad(fmt.Sprintf("mounts the volume %.60s, which is %.100s of the VM", key, device), why)
		}
	}
}

// launcherVolumes are the volumes of the launcher's service, as the Engine calls them.
func (j *judge) launcherVolumes() []string {
	var out []string
	for _, m := range mounts(j.model.services[j.Service]) {
		if m.kind == "volume" && m.source != "" {
			out = append(out, j.model.volumeName(m.source))
		}
	}
	return out
}

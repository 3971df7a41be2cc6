package compose

import (
	"fmt"
	"slices"
	"strings"
)

// harmless are the keys of another service that give it nothing of the VM or of
// the launcher. The rest is judged one by one, or denied.
var harmless = strings.Fields(`
	attach blkio_config cap_drop cgroup_parent command container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period
	cpu_rt_runtime cpu_shares cpus cpuset depends_on develop dns dns_opt dns_search domainname entrypoint environment expose
	external_links extra_hosts group_add healthcheck hostname image init isolation labels links mac_address mem_limit
	mem_reservation mem_swappiness memswap_limit oom_kill_disable oom_score_adj pids_limit platform ports profiles pull_policy
	pull_refresh_after read_only restart scale shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tty ulimits
	umask user working_dir`)

// judged are the keys whose value decides.
var judged = strings.Fields("privileged userns_mode ipc cgroup uts cap_add security_opt runtime network_mode networks env_file label_file logging deploy volumes configs secrets tmpfs")

// denied are the keys that no other service may have, with the reason.
var denied = map[string]string{
	"build":               "it is built from files that are not measured",
	"extends":             "it takes settings from a file that is not measured",
	"pid":                 "it shares a process namespace and can trace what runs there",
	"devices":             "host devices reach the disks and the TDX device itself",
	"device_cgroup_rules": "they open host devices",
	"gpus":                "they are host devices, and their driver's files come from the VM",
	"volumes_from":        "it shares every volume and socket of another service",
	"use_api_socket":      "it gets Docker's socket",
	"provider":            "it runs a program of the VM instead of a container",
	"models":              "they are run by a program of the VM",
	"credential_spec":     "it takes credentials from files that are not measured",
	"annotations":         "they are orders to the container runtime, which runs as root",
	"pre_start":           "its hooks can run privileged",
	"post_start":          "its hooks can run privileged",
	"pre_stop":            "its hooks can run privileged",
}

// harmlessCaps are the capabilities that a service may add without a word.
var harmlessCaps = []string{"CHOWN", "NET_BIND_SERVICE", "SETUID", "SETGID", "KILL", "SETPCAP", "AUDIT_WRITE"}

// other judges a service that is not the launcher's. All of its problems can be
// accepted by service:NAME.
func (j *judge) other(name string, service map[string]any) {
	bad := func(what, why string) { j.problem("service "+name, "service:"+name, what, why) }
	for _, key := range sortedKeys(service) {
		why, no := denied[key]
		switch {
		case service[key] == nil || slices.Contains(harmless, key) || strings.HasPrefix(key, "x-"):
		case no:
			bad("has "+key, why)
		case !slices.Contains(judged, key):
			bad(fmt.Sprintf("has %.60s", key), "it is not known to be harmless")
		case filledIn(service[key]):
			bad("has a ${…} in "+key, "whoever deploys fills it in, unmeasured, with a path or a right")
		}
	}
	j.rights(service, bad)
	j.otherMounts(service, bad)
}

// rights judges what a service may do outside its container.
func (j *judge) rights(service map[string]any, bad func(what, why string)) {
	if p := service["privileged"]; p != nil && p != false && p != "false" {
		bad("is privileged", "a privileged container is root in the VM")
	}
	for _, key := range []string{"userns_mode", "ipc", "cgroup", "uts"} {
		if s, _ := service[key].(string); s == "host" || strings.HasPrefix(s, "container:") || strings.HasPrefix(s, "service:") {
			bad("has "+key+": "+s, "it leaves the container")
		}
	}
	switch mode, _ := service["network_mode"].(string); {
	case mode == "host" || j.model.onHost(service):
		bad("is on the VM's own network", "it reaches what listens there for the system alone")
	case strings.HasPrefix(mode, "container:") || mode == "service:"+j.Service:
		bad("has network_mode: "+mode, "it shares the network of the launcher, or may: it reaches what listens there for the workload alone")
	}
	for _, c := range texts(service["cap_add"]) {
		if !slices.Contains(harmlessCaps, strings.TrimPrefix(strings.ToUpper(c), "CAP_")) {
			bad(fmt.Sprintf("adds the capability %.40s", c), "with it a container can leave its bounds")
		}
	}
	for _, o := range confinement(service["security_opt"]) {
		bad(fmt.Sprintf("has security_opt %.60s", o), "it changes the container's confinement")
	}
	if r, _ := service["runtime"].(string); r != "" && r != "runc" && r != "io.containerd.runc.v2" {
		bad(fmt.Sprintf("has the runtime %.40s", r), "another runtime confines otherwise, or gives host devices")
	}
	if hasKey(service["deploy"], "devices", "generic_resources") {
		bad("has devices in deploy", "they are host devices, and their driver's files come from the VM")
	}
	if logsToSocket(service["logging"]) {
		bad("logs to a unix socket", "Docker would write there as root")
	}
}

// hasKey reports whether a value has one of the keys, at any depth.
func hasKey(v any, names ...string) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return hasKey(e, names...) })
	case map[string]any:
		for key, e := range v {
			if slices.Contains(names, key) && e != nil || hasKey(e, names...) {
				return true
			}
		}
	}
	return false
}

func (j *judge) otherMounts(service map[string]any, bad func(what, why string)) {
	for _, m := range mounts(service) {
		switch m.kind {
		case "bind", "":
			j.hostFile("mounts", m.source, bad)
		case "volume":
			if m.source != "" && j.volumes.mayHave(j.model.volume(m.source)) {
				bad(fmt.Sprintf("mounts the volume %.60s", m.source), "the launcher's service mounts it too, or may, and its files decide what runs")
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
				j.hostFile("has in its "+kind+" the file", file, bad)
			}
			if filledIn(def["file"]) {
				bad(fmt.Sprintf("has a ${…} in the file of one of its %s", kind), "whoever deploys fills it in, unmeasured, with a path")
			}
		}
	}
	for _, kind := range []string{"env_file", "label_file"} {
		files := texts(service[kind])
		list, _ := service[kind].([]any)
		for i, v := range list {
			if e, ok := v.(map[string]any); ok {
				files[i] = fmt.Sprint(e["path"])
			}
		}
		for _, file := range files {
			if hostPath(file) == "/tapp/.env" {
				continue // reading it gives what allowed_envs gives
			}
			j.hostFile("reads as "+kind, file, bad)
		}
	}
}

// hostFile judges a path of the VM that a service gets.
func (j *judge) hostFile(how, source string, bad func(what, why string)) {
	if why, is := takesOver(source); is {
		bad(fmt.Sprintf("%s %.100s", how, source), why)
		return
	}
	if len(source) > maxPath {
		bad(fmt.Sprintf("%s %.100s…", how, source), "no path is that long")
		return
	}
	dirs := j.writable()
	for dir := hostPath(source); ; { // clean, so that each / has a folder before it
		dir = dir[:strings.LastIndexByte(dir, '/')]
		if dir == "" {
			return
		}
		if dirs[dir] {
			bad(fmt.Sprintf("%s %.100s", how, source), fmt.Sprintf("a service can write in %.100s and put a link there, which Docker follows to anywhere in the VM", dir))
			return
		}
	}
}

// maxPath is the kernel's bound on a path.
const maxPath = 4096

// writable are the folders of the VM in which services can write.
func (j *judge) writable() map[string]bool {
	if j.dirs != nil {
		return j.dirs
	}
	j.dirs = make(map[string]bool)
	for name, service := range j.model.services {
		for _, m := range mounts(service) {
			if device, bind := bindDevice(j.model.entry("volumes", m.source)); m.kind == "volume" && bind {
				m.kind, m.source = "bind", device
			}
			if name != j.Service && !m.readOnly && (m.kind == "bind" || m.kind == "") {
				j.dirs[hostPath(m.source)] = true
			}
		}
	}
	return j.dirs
}

// bindDevice is the folder of the VM that a named volume really is.
func bindDevice(def map[string]any) (device string, bind bool) {
	opts, _ := def["driver_opts"].(map[string]any)
	device, _ = opts["device"].(string)
	o, _ := opts["o"].(string)
	return device, slices.ContainsFunc(strings.Split(o, ","), func(s string) bool { s = strings.TrimSpace(s); return s == "bind" || s == "rbind" })
}

// driver judges a named volume that is really something of the VM, or somebody's
// plugin.
func (j *judge) driver(key string, bad func(what, why string)) {
	def := j.model.entry("volumes", key)
	what := fmt.Sprintf("mounts the volume %.60s", key)
	if name := j.model.volume(key).name; strings.ContainsAny(name, "/:") {
		bad(fmt.Sprintf("%s, whose name is %.100s", what, name), "Docker may take that for a folder of the VM")
	}
	if d, _ := def["driver"].(string); d != "" && d != "local" {
		bad(fmt.Sprintf("%s of driver %.40s", what, d), "a volume plugin decides what is in it")
	}
	if filledIn(def) {
		bad(what+", which has a ${…}", "whoever deploys fills it in, unmeasured")
	}
	opts, _ := def["driver_opts"].(map[string]any)
	device, bind := bindDevice(def)
	kind, _ := opts["type"].(string)
	switch {
	case len(opts) == 0 || kind == "" && device == "" && opts["o"] == nil:
	case bind:
		j.hostFile(what+", which is", device, bad)
	case !slices.Contains([]string{"tmpfs", "nfs", "nfs4", "cifs"}, kind):
		bad(fmt.Sprintf("%s of file system %.40q", what, kind), "such a mount can show the VM's own files, processes or devices")
	}
}

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
	{"/tapp/app-compose.json", "it decides what runs at the next start"},
	{"/tapp/user_config", "the launcher reads it"},
	{"/run", "the sockets are in it"}, {"/var", "the system's own state is in it"}, {"/etc", "it configures the system"}, {"/usr", "it is the system"},
	{"/bin", "it is the system"}, {"/sbin", "it is the system"}, {"/lib", "it is the system"}, {"/lib64", "it is the system"}, {"/opt", "it is the system"},
	{"/boot", "it is the system"}, {"/root", "it is root's home"}, {"/home", "root's home is in it"},
}

// takesOver says whether having a host path takes over, and how.
func takesOver(source string) (why string, bad bool) {
	p := hostPath(source)
	for _, t := range takeover {
		if within(p, t.path) || within(t.path, p) {
			return t.why, true
		}
	}
	if name, ok := strings.CutPrefix(p, "/tapp/"); ok {
		switch name, _, _ = strings.Cut(name, "/"); {
		case strings.HasPrefix(name, "."):
			return "dstack keeps files of its own there", true
		case strings.Contains(name, "compose"):
			return "Docker Compose may take it for a compose file at the next start", true
		}
	}
	return "", false
}

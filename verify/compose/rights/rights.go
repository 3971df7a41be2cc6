package rights

import (
	"fmt"
	"slices"
	"strings"

	"gitlauncher/verify/compose/model"
)

// Judge judges what a service that is not the launcher's may do outside its container.
// launcher is the name of the launcher's service.
func Judge(m *model.Model, service map[string]any, launcher string, bad func(what, why string)) {
	if p := service["privileged"]; p != nil && p != false && p != "false" {
		bad("is privileged", "a privileged container is root in the VM")
	}
	for _, key := range []string{"userns_mode", "ipc", "cgroup", "uts"} {
		if s, _ := service[key].(string); s == "host" || strings.HasPrefix(s, "container:") || strings.HasPrefix(s, "service:") {
			bad("has "+key+": "+s, "it leaves the container")
		}
	}
	switch mode, _ := service["network_mode"].(string); {
	case mode == "host":
		bad("is on the VM's own network", "it reaches what listens there for the system alone")
	case strings.HasPrefix(mode, "container:") || mode == "service:"+launcher:
		bad("has network_mode: "+mode, "it shares the network of the launcher, or may: it reaches what listens there for the workload alone")
	case mode != "" && !slices.Contains([]string{"none", "bridge", "default"}, mode) && !strings.HasPrefix(mode, "service:"):
		bad(fmt.Sprintf("has network_mode: %.60s", mode), "Docker finds networks by the beginning of an id, too, so that it may be the VM's own; none, bridge and service:NAME are known")
	}
	Networks(m, service, bad)
	for _, c := range AddedCapabilities(service["cap_add"]) {
		bad(fmt.Sprintf("adds the capability %.40s", c), "with it a container can leave its bounds")
	}
	for _, o := range Confinement(service["security_opt"]) {
		bad(fmt.Sprintf("has security_opt %.60s", o), "it changes the container's confinement")
	}
	if r, _ := service["runtime"].(string); r != "" && r != "runc" && r != "io.containerd.runc.v2" {
		bad(fmt.Sprintf("has the runtime %.40s", r), "another runtime confines otherwise, or gives host devices")
	}
	if hasKey(service["deploy"], "devices", "generic_resources") {
		bad("has devices in deploy", "they are host devices, and their driver's files come from the VM")
	}
	Logging(service["logging"], bad)
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

// AddedCapabilities returns the capabilities that a service adds beyond those that any container
// has.
func AddedCapabilities(value any) (out []string) {
	for _, c := range model.Texts(value) {
		if !slices.Contains(usualCaps, strings.TrimPrefix(strings.ToUpper(c), "CAP_")) {
			out = append(out, c)
		}
	}
	return out
}

// usualCaps are what Docker gives to any container: adding one only undoes a cap_drop.
var usualCaps = strings.Fields("AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_CHROOT")

// Confinement returns the security_opt of a service beyond no-new-privileges.
func Confinement(value any) (out []string) {
	for _, o := range model.Texts(value) {
		if !slices.Contains([]string{"no-new-privileges", "no-new-privileges:true", "no-new-privileges=true", "no-new-privileges:false", "no-new-privileges=false"}, o) {
			out = append(out, o)
		}
	}
	return out
}

// BeyondLimits names what a deploy key has beyond limits of CPUs, memory and
// processes, and reservations of the first two.
func BeyondLimits(deploy any) string {
	if deploy == nil {
		return ""
	}
	d, ok := deploy.(map[string]any)
	for _, key := range model.SortedKeys(d) {
		if key != "resources" {
			return fmt.Sprintf("deploy.%.40s", key)
		}
	}
	resources, is := d["resources"].(map[string]any)
	if !ok || d["resources"] != nil && !is {
		return "a deploy key of another form"
	}
	for _, key := range model.SortedKeys(resources) {
		allowed := map[string][]string{"limits": {"cpus", "memory", "pids"}, "reservations": {"cpus", "memory"}}[key]
		parts, _ := resources[key].(map[string]any)
		if allowed == nil {
			return fmt.Sprintf("deploy.resources.%.40s", key)
		}
		for _, part := range model.SortedKeys(parts) {
			if !slices.Contains(allowed, part) {
				return fmt.Sprintf("deploy.resources.%s.%.40s", key, part)
			}
		}
	}
	return ""
}

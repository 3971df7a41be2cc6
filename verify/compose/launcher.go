package compose

import (
	"fmt"
	"slices"
	"strings"

	"gitlauncher/internal/digest"
	"gitlauncher/verify/compose/model"
	"gitlauncher/verify/compose/rights"
)

// free are the keys of the launcher's service that can't change what runs. The
// others are judged one by one, or denied.
var free = strings.Fields(`
	cap_drop container_name cpus depends_on expose hostname init labels mem_limit platform ports read_only restart shm_size
	stdin_open stop_grace_period stop_signal tty ulimits user`)

// launcher judges the launcher's own service, default deny.
func (j *judge) launcher(name string, service map[string]any) {
	bad := j.bad(name)
	j.Image, _ = service["image"].(string)
	_, digest, _ := strings.Cut(j.Image, "@")
	if isDigest(digest) {
		j.ImageDigest = digest
	} else {
		bad("image", fmt.Sprintf("image is %.100q", j.Image), "it is not pinned by name@sha256:… with 64 lowercase hex digits, so that anyone who serves it chooses what runs")
	}
	rights.Networks(j.model, service, func(what, why string) { bad("networks", what, why) })
	if service["read_only"] != true && !j.expect.Image {
		what := "has a root file system that can be written"
		if service["read_only"] != nil && service["read_only"] != false {
			what = "has a read_only that is not true"
		}
		j.writable(name, what)
	}
	for _, key := range model.SortedKeys(service) {
		if key != "environment" && model.FilledIn(service[key]) { // environment is judged variable by variable
			bad(key, "has a ${…} in "+key, "anyone who deploys fills it in, unmeasured")
		}
		j.launcherKey(key, service, bad)
	}
	j.oneConfig(bad)
}

// bad returns a function that adds a Problem of a key of the launcher's service.
func (j *judge) bad(service string) func(key, what, why string) {
	return func(key, what, why string) { j.except("service "+service, j.keyException(key), what, why) }
}

// writable adds the Problem of a container that can be written: dstack keeps an
// unchanged container, with what was written in it, across reboots, and the event log
// of the new boot does not show it.
func (j *judge) writable(service, what string) {
	part := make(map[string]any)
	if value, there := j.model.Raw(service)["read_only"]; there {
		part["read_only"] = value
	}
	j.except("service "+service, j.partException("launcher:writable", part, false), what, "dstack keeps the container across reboots, and what an earlier boot wrote over bash or the launcher runs in the next; it needs read_only: true")
}

// launcherKey judges one key.
func (j *judge) launcherKey(key string, service map[string]any, bad func(key, what, why string)) {
	value := service[key]
	switch {
	case key == "image" || key == "networks" || slices.Contains(free, key) || strings.HasPrefix(key, "x-"):
	case key == "cap_add":
		for _, c := range rights.AddedCapabilities(value) {
			bad(key, fmt.Sprintf("adds the capability %.40s", c), "with it a container can leave its bounds")
		}
	case key == "security_opt":
		for _, o := range rights.Confinement(value) {
			bad(key, fmt.Sprintf("has security_opt %.60s", o), "it changes the container's confinement; a seccomp profile is a file that is not measured, and can hand the launcher's system calls to another process to answer")
		}
	case key == "pull_policy":
		if value == "build" {
			bad(key, "has pull_policy: build", "the image is built from files that are not measured")
		}
	case key == "deploy":
		if what := rights.BeyondLimits(value); what != "" {
			bad(key, "has "+what, "it can change what runs, or is not known to be harmless; limits and reservations of CPUs and memory pass")
		}
	case key == "logging":
		rights.Logging(value, func(what, why string) { bad(key, what, why) })
	case key == "environment":
		j.environment(bad)
	case key == "command":
		j.command(value, bad)
	case key == "volumes":
		j.ownVolumes(service, bad)
	case key == "tmpfs":
		for _, t := range model.Texts(value) {
			target, _, _ := strings.Cut(t, ":")
			tmpfs(key, target, bad)
		}
	case key == "configs":
		j.configs(value, bad)
	case key == "secrets":
		j.secrets(value, bad)
	default:
		bad(key, "has "+key, "the launcher's service may not have it: it can change what runs, or is not known to be harmless")
	}
}

func isDigest(s string) bool {
	_, err := digest.Parse(s)
	return err == nil
}

package compose

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/verify/compose/exception"
	"gitlauncher/verify/compose/folder"
	"gitlauncher/verify/compose/model"
	"gitlauncher/verify/compose/rights"
)

// harmless are the keys of another service that give it nothing of the VM or of
// the launcher. The rest is judged one by one, or denied.
var harmless = strings.Fields(`
	attach blkio_config cap_drop command container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period
	cpu_rt_runtime cpu_shares cpus cpuset depends_on develop dns dns_opt dns_search domainname entrypoint environment expose
	external_links extra_hosts group_add healthcheck hostname image init isolation labels links mac_address mem_limit
	mem_reservation mem_swappiness memswap_limit oom_kill_disable oom_score_adj pids_limit platform ports profiles pull_policy
	pull_refresh_after read_only restart scale shm_size stdin_open stop_grace_period stop_signal storage_opt sysctls tty ulimits
	umask user working_dir`)

// judged are the keys whose values decide.
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

// other judges a service that is not the launcher's. All of its problems can be
// accepted by service:NAME. aside is added to each reason.
func (j *judge) other(name string, service map[string]any, aside string) {
	var e *exception.Exception // hashed once, and only where it is needed
	bad := func(what, why string) {
		if e == nil {
			made := j.serviceException(name)
			e = &made
		}
		j.except("service "+name, *e, what, why+aside)
	}
	for _, key := range model.SortedKeys(service) {
		why, no := denied[key]
		switch {
		case service[key] == nil || slices.Contains(harmless, key) || strings.HasPrefix(key, "x-"):
		case no:
			bad("has "+key, why)
		case !slices.Contains(judged, key):
			bad(fmt.Sprintf("has %.60s", key), "it is not known to be harmless")
		case model.FilledIn(service[key]):
			bad("has a ${…} in "+key, "anyone who deploys fills it in, unmeasured, with a path or a right")
		}
	}
	rights.Judge(j.model, service, j.Service, bad)
	j.otherMounts(service, bad)
}

func (j *judge) otherMounts(service map[string]any, bad func(what, why string)) {
	for _, m := range model.Mounts(service) {
		if m.Unusual != "" {
			bad(fmt.Sprintf("has a mount with %.60s", m.Unusual), "it is not known to be harmless: such options share mounts with the VM, or lead out of a volume")
		}
		switch m.Kind {
		case "bind", "":
			j.hostFile("mounts", m.Source, bad)
		case "volume":
			if m.Source != "" && j.volumes.MayHave(j.model.Volume(m.Source)) {
				j.sharedVolume(m, bad)
			}
			j.driver(m.Source, bad)
		case "tmpfs":
		default:
			bad(fmt.Sprintf("has a mount of type %.40s", m.Kind), "that type is not understood here")
		}
	}
	for _, kind := range []string{"configs", "secrets"} {
		list, _ := service[kind].([]any)
		for _, v := range list {
			e, _ := v.(map[string]any)
			source, _ := e["source"].(string)
			def := j.model.Entry(kind, source)
			if file, ok := def["file"].(string); ok {
				j.hostFile("has in its "+kind+" the file", file, bad)
			}
			if model.FilledIn(def["file"]) {
				bad(fmt.Sprintf("has a ${…} in the file of one of its %s", kind), "anyone who deploys fills it in, unmeasured, with a path")
			}
		}
	}
	for _, kind := range []string{"env_file", "label_file"} {
		files := model.Texts(service[kind])
		list, _ := service[kind].([]any)
		for i, v := range list {
			if e, ok := v.(map[string]any); ok {
				files[i] = fmt.Sprint(e["path"])
			}
		}
		for _, file := range files {
			if folder.IsEnvFile(file) {
				continue
			}
			j.hostFile("reads as "+kind, file, bad)
		}
	}
}

// sharedVolume judges a volume that the launcher's service mounts, too. A service that
// only reads may have one, with care: Docker fills an empty volume with what the image
// of the first container has at that place, whether that container may write or not.
// The launcher proves only WORK_DIR.
func (j *judge) sharedVolume(m model.Mount, bad func(what, why string)) {
	what := fmt.Sprintf("mounts the volume %.60s", m.Source)
	switch {
	case !m.ReadOnly:
		bad(what, "the launcher's service mounts it too, or may, and its files decide what runs; a reader has it with :ro")
	case j.expect.Image:
		bad(what, "it may hold the node's keys")
	case !m.NoCopy && !j.workVolume(j.model.Volume(m.Source)):
		bad(what, "Docker fills an empty volume from the image of the first container that has it, a reader's included; write it in the long form, with read_only: true and volume: {nocopy: true}")
	}
}

// workVolume reports whether the launcher's service has a volume on WORK_DIR, which
// the launcher proves, and nowhere else.
func (j *judge) workVolume(v model.Volume) bool {
	workDir, found := j.workDir(), false
	for _, m := range model.Mounts(j.model.Services[j.Service]) {
		if m.Kind == "volume" && j.model.Volume(m.Source) == v {
			if !folder.Within(workDir, path.Clean(m.Target)) {
				return false
			}
			found = true
		}
	}
	return found
}

// workDir returns WORK_DIR as the compose has it, or else its default.
func (j *judge) workDir() string {
	if c, err := config.ParseGit(config.DefaultFile, j.Config); j.Config != nil && err == nil {
		return c.WorkDir
	}
	return config.DefaultWorkDir
}

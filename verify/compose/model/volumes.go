package model

import (
	"fmt"
	"slices"
	"strings"
)

// Volume is what the Engine calls a named volume.
type Volume struct {
	Name    string
	Project bool // Compose puts the project's name and _ before it; nobody here knows that name
}

// Volume returns the volume that the project's key stands for.
func (m *Model) Volume(key string) Volume {
	def := m.Entry("volumes", key)
	if name, ok := def["name"].(string); ok {
		return Volume{Name: name[:min(len(name), maxName+1)]}
	}
	return Volume{Name: key, Project: def["external"] != true}
}

// keys returns the project's keys that a full name may stand for: all that follows any
// _.
func (v Volume) keys() (out []string) {
	for i, r := range v.Name {
		if r == '_' && !v.Project {
			out = append(out, v.Name[i+1:])
		}
	}
	return out
}

// maxName is longer than any name that Docker accepts, in bytes.
const maxName = 512

// Volumes is a set of named volumes.
type Volumes struct {
	exact map[Volume]bool
	keys  map[string]bool // that full names in it may stand for
}

// VolumesOf returns the volumes that a service mounts.
func (m *Model) VolumesOf(service map[string]any) Volumes {
	set := Volumes{make(map[Volume]bool), make(map[string]bool)}
	for _, mount := range Mounts(service) {
		if mount.Kind != "volume" || mount.Source == "" || len(mount.Source) > maxName {
			continue
		}
		v := m.Volume(mount.Source)
		set.exact[v] = true
		for _, key := range v.keys() {
			set.keys[key] = true
		}
	}
	return set
}

// Add adds volumes by the names that the Engine knows them by.
func (s Volumes) Add(names ...string) {
	for _, name := range names {
		s.exact[Volume{Name: name}] = true
	}
}

// MayHave reports whether a volume may be in the set.
func (s Volumes) MayHave(v Volume) bool {
	return s.exact[v] || v.Project && s.keys[v.Name] || len(v.Name) > maxName ||
		slices.ContainsFunc(v.keys(), func(key string) bool { return s.exact[Volume{key, true}] })
}

// Mount is one entry of a service's volumes.
type Mount struct {
	Kind, Source, Target string
	ReadOnly, NoCopy     bool
	Unusual              string // an option that is not known to be harmless, and its value
}

// Mounts returns the entries of a service's volumes.
func Mounts(service map[string]any) []Mount {
	list, _ := service["volumes"].([]any)
	var out []Mount
	for _, v := range list {
		e, _ := v.(map[string]any)
		m := Mount{}
		m.Kind, _ = e["type"].(string)
		m.Source, _ = e["source"].(string)
		m.Target, _ = e["target"].(string)
		m.ReadOnly, _ = e["read_only"].(bool)
		options, _ := e["volume"].(map[string]any)
		m.NoCopy, _ = options["nocopy"].(bool)
		m.Unusual = unusual(e)
		out = append(out, m)
	}
	return out
}

// unusual names the first option of a mount that is not known to be harmless: it may
// share mounts with the VM, or lead out of a volume.
func unusual(mount map[string]any) string {
	for _, key := range SortedKeys(mount) {
		options, _ := mount[key].(map[string]any)
		switch {
		case slices.Contains([]string{"type", "source", "target", "read_only", "consistency"}, key):
		case !slices.Contains([]string{"bind", "volume", "tmpfs"}, key):
			return key
		}
		for _, name := range SortedKeys(options) {
			switch value := options[name]; {
			case slices.Contains([]string{"create_host_path", "selinux", "nocopy", "size", "mode"}, name):
			case name == "propagation" && slices.Contains([]any{"", "private", "rprivate", "slave", "rslave"}, value):
			default:
				return fmt.Sprintf("%s.%s: %v", key, name, value)
			}
		}
	}
	return ""
}

// BindDevice returns the folder of the VM that a named volume really is, and whether it
// is one.
func BindDevice(def map[string]any) (device string, bind bool) {
	opts, _ := def["driver_opts"].(map[string]any)
	device, _ = opts["device"].(string)
	o, _ := opts["o"].(string)
	return device, slices.ContainsFunc(strings.Split(o, ","), func(s string) bool { s = strings.TrimSpace(s); return s == "bind" || s == "rbind" })
}

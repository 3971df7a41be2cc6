package compose

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"gitlauncher/internal/composeenv"
	"gitlauncher/internal/strictyaml"
)

// model is a compose file in compose-go's canonical form: long syntax
// everywhere, nothing interpolated, nothing resolved.
type model struct {
	top      map[string]any
	services map[string]map[string]any
	file     map[string]any // as the file has it, after aliases and merges
}

// raw is a service as the file has it.
func (m *model) raw(name string) map[string]any {
	services, _ := m.file["services"].(map[string]any)
	service, _ := services[name].(map[string]any)
	return service
}

// load reads a compose file. Nothing that it names is opened.
func load(ctx context.Context, data []byte) (m *model, err error) {
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("can't be read: %v", r)
		}
	}()
	file, err := strictyaml.Decode(data)
	if err != nil {
		return nil, err
	}
	if err := checkPorts(file); err != nil {
		return nil, err
	}
	top, err := loader.LoadModelWithContext(ctx, types.ConfigDetails{
		WorkingDir:  "/dstack",
		ConfigFiles: []types.ConfigFile{{Filename: "docker-compose.yaml", Config: clone(file).(map[string]any)}},
		Environment: types.Mapping{},
	}, func(o *loader.Options) {
		o.SkipInterpolation, o.SkipNormalization, o.SkipConsistencyCheck = true, true, true
		o.SkipExtends, o.SkipInclude, o.SkipDefaultValues = true, true, true
		o.SkipResolveEnvironment, o.SkipResolveLabels, o.ResolvePaths = true, true, false
		o.SetProjectName("dstack", true)
	})
	if err != nil {
		return nil, err
	}
	m = &model{top: top, services: make(map[string]map[string]any), file: file}
	services, _ := top["services"].(map[string]any)
	for name, s := range services {
		service, ok := s.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("service %q is not a mapping", name)
		}
		m.services[name] = service
	}
	if len(m.services) == 0 {
		return nil, fmt.Errorf("has no services")
	}
	return m, nil
}

// clone copies what strictyaml decoded: compose-go changes what it is given.
func clone(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = clone(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, e := range v {
			out[key] = clone(e)
		}
		return out
	}
	return v
}

// entry is a top-level volume, config or secret.
func (m *model) entry(kind, name string) map[string]any {
	all, _ := m.top[kind].(map[string]any)
	e, _ := all[name].(map[string]any)
	return e
}

// volume is what the Engine calls a named volume.
type volume struct {
	name    string
	project bool // Compose puts the project's name and _ before it; nobody here knows that name
}

func (m *model) volume(key string) volume {
	def := m.entry("volumes", key)
	if name, ok := def["name"].(string); ok {
		return volume{name: name[:min(len(name), maxName+1)]}
	}
	return volume{name: key, project: def["external"] != true}
}

// keys are the project's keys that a full name may stand for: all behind a _.
func (v volume) keys() (out []string) {
	for i, r := range v.name {
		if r == '_' && !v.project {
			out = append(out, v.name[i+1:])
		}
	}
	return out
}

// maxName is longer than any name that Docker takes, in bytes.
const maxName = 512

// volumes is a set of them.
type volumes struct {
	exact map[volume]bool
	keys  map[string]bool // that full names in it may stand for
}

func (m *model) volumesOf(service map[string]any) volumes {
	set := volumes{make(map[volume]bool), make(map[string]bool)}
	for _, mount := range mounts(service) {
		if mount.kind != "volume" || mount.source == "" || len(mount.source) > maxName {
			continue
		}
		v := m.volume(mount.source)
		set.exact[v] = true
		for _, key := range v.keys() {
			set.keys[key] = true
		}
	}
	return set
}

// mayHave reports whether a volume may be in the set.
func (s volumes) mayHave(v volume) bool {
	return s.exact[v] || v.project && s.keys[v.name] || len(v.name) > maxName ||
		slices.ContainsFunc(v.keys(), func(key string) bool { return s.exact[volume{key, true}] })
}

// networksOf are the keys of the networks that a service joins.
func networksOf(service map[string]any) []string {
	keys := texts(service["networks"])
	if all, ok := service["networks"].(map[string]any); ok {
		keys = sortedKeys(all)
	}
	if len(keys) == 0 && service["network_mode"] == nil {
		keys = []string{"default"}
	}
	return keys
}

// networks judges the networks that a service joins: they may be the VM's own, by the
// name of one of them or through their driver, or be filled in later.
func (m *model) networks(service map[string]any, bad func(what, why string)) {
	for _, key := range networksOf(service) {
		def := m.entry("networks", key)
		name, ok := def["name"].(string)
		if !ok && def["external"] != nil && def["external"] != false {
			name = key
		}
		if name == "host" || strings.HasPrefix(name, "container:") || filledIn(def["name"]) {
			bad("is on the VM's own network", "it reaches what listens there for the system alone")
		}
		if driver, ok := def["driver"]; ok && driver != nil && driver != "" && driver != "bridge" {
			bad(fmt.Sprintf("is on the network %.60s of driver %.40s", key, fmt.Sprint(driver)), "it may be on the VM's own interfaces, or run by a plugin; bridge is known")
		}
	}
}

// mount is one entry of a service's volumes.
type mount struct {
	kind, source, target string
	readOnly, noCopy     bool
}

func mounts(service map[string]any) []mount {
	list, _ := service["volumes"].([]any)
	var out []mount
	for _, v := range list {
		e, _ := v.(map[string]any)
		m := mount{}
		m.kind, _ = e["type"].(string)
		m.source, _ = e["source"].(string)
		m.target, _ = e["target"].(string)
		m.readOnly, _ = e["read_only"].(bool)
		options, _ := e["volume"].(map[string]any)
		m.noCopy, _ = options["nocopy"].(bool)
		out = append(out, m)
	}
	return out
}

// hostPath is the absolute path in the VM that a bind source means; relative
// ones are in dstack's project directory.
func hostPath(source string) string {
	if strings.HasPrefix(source, "~") {
		return path.Join("/root", source[1:])
	}
	if !strings.HasPrefix(source, "/") {
		source = "/dstack/" + source
	}
	clean := path.Clean(source)
	for _, names := range []struct{ name, is string }{{"/var/run", "/run"}, {"/tapp", "/dstack"}, {"/var/volatile/dstack", "/dstack"}} {
		if within(clean, names.name) { // one folder by two names
			return names.is + clean[len(names.name):]
		}
	}
	return clean
}

// within reports whether path is dir or lies below it.
func within(p, dir string) bool {
	return p == dir || dir == "/" || strings.HasPrefix(p, dir+"/")
}

// filledIn reports whether any string in a value has a $ that Compose would
// fill in ($$ is a plain one).
func filledIn(v any) bool {
	switch v := v.(type) {
	case string:
		return composeenv.FilledIn(v)
	case []any:
		return slices.ContainsFunc(v, filledIn)
	case map[string]any:
		for key, e := range v {
			if filledIn(key) || filledIn(e) {
				return true
			}
		}
	}
	return false
}

// texts returns a string or list of strings as a list.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, e := range v {
			out = append(out, fmt.Sprint(e))
		}
		return out
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

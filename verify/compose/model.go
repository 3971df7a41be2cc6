package compose

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// model is a compose file in compose-go's canonical form: long syntax
// everywhere, nothing interpolated, nothing resolved.
type model struct {
	top      map[string]any
	services map[string]map[string]any
}

// load reads a compose file. Nothing that it names is opened.
func load(ctx context.Context, data []byte) (m *model, err error) {
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("can't be read: %v", r)
		}
	}()
	top, err := loader.LoadModelWithContext(ctx, types.ConfigDetails{
		WorkingDir:  "/tapp",
		ConfigFiles: []types.ConfigFile{{Filename: "docker-compose.yaml", Content: data}},
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
	m = &model{top: top, services: make(map[string]map[string]any)}
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

func (m *model) list(key string) []any {
	l, _ := m.top[key].([]any)
	return l
}

// entry is a top-level volume, config or secret.
func (m *model) entry(kind, name string) map[string]any {
	all, _ := m.top[kind].(map[string]any)
	e, _ := all[name].(map[string]any)
	return e
}

// volumeName is what the Engine calls a named volume: two keys may mean one.
func (m *model) volumeName(key string) string {
	if name, ok := m.entry("volumes", key)["name"].(string); ok {
		return name
	}
	return "(project)_" + key
}

// mount is one entry of a service's volumes.
type mount struct {
	kind, source, target string
	readOnly             bool
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
		source = "/tapp/" + source
	}
	clean := path.Clean(source)
	if rest, ok := strings.CutPrefix(clean, "/var/run"); ok && (rest == "" || rest[0] == '/') {
		return "/run" + rest // one directory by two names
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
		return strings.Contains(strings.ReplaceAll(v, "$$", ""), "$")
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

// texts gives a string or list of strings as a list.
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

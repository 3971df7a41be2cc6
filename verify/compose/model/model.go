package model

import (
	"context"
	"fmt"
	"slices"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"gitlauncher/internal/composeenv"
	"gitlauncher/internal/strictyaml"
)

// Model is a compose file in compose-go's canonical form: long syntax
// everywhere, nothing interpolated, nothing resolved.
type Model struct {
	Services map[string]map[string]any
	File     map[string]any // as the file has it, after aliases and merges
	top      map[string]any
}

// Raw returns a service as the file has it.
func (m *Model) Raw(name string) map[string]any {
	services, _ := m.File["services"].(map[string]any)
	service, _ := services[name].(map[string]any)
	return service
}

// Load reads a compose file. Nothing that it names is opened.
func Load(ctx context.Context, data []byte) (m *Model, err error) {
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
	m = &Model{top: top, Services: make(map[string]map[string]any), File: file}
	services, _ := top["services"].(map[string]any)
	for name, s := range services {
		service, ok := s.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("service %q is not a mapping", name)
		}
		m.Services[name] = service
	}
	if len(m.Services) == 0 {
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

// Entry returns a top-level volume, network, config or secret.
func (m *Model) Entry(kind, name string) map[string]any {
	all, _ := m.top[kind].(map[string]any)
	e, _ := all[name].(map[string]any)
	return e
}

// FilledIn reports whether any string in a value has a $ that Compose would
// fill in ($$ is a plain one).
func FilledIn(v any) bool {
	switch v := v.(type) {
	case string:
		return composeenv.FilledIn(v)
	case []any:
		return slices.ContainsFunc(v, FilledIn)
	case map[string]any:
		for key, e := range v {
			if FilledIn(key) || FilledIn(e) {
				return true
			}
		}
	}
	return false
}

// Texts returns a string or list of strings as a list.
func Texts(v any) []string {
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

// SortedKeys returns the keys of a map, sorted.
func SortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// NetworksOf returns the keys of the networks that a service joins.
func NetworksOf(service map[string]any) []string {
	keys := Texts(service["networks"])
	if all, ok := service["networks"].(map[string]any); ok {
		keys = SortedKeys(all)
	}
	if len(keys) == 0 && service["network_mode"] == nil {
		keys = []string{"default"}
	}
	return keys
}

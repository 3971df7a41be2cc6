package model

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Definitions returns the top-level definitions that a service, or a part of it, refers
// to. All four kinds are in it, even if they are empty.
func (m *Model) Definitions(service map[string]any, networks bool) map[string]any {
	out := make(map[string]any)
	for _, kind := range []string{"configs", "secrets", "volumes", "networks"} {
		all, _ := m.File[kind].(map[string]any)
		defs := make(map[string]any)
		for _, name := range references(kind, service[kind]) {
			if def, there := all[name]; there {
				defs[name] = def
			}
		}
		if _, mode := service["network_mode"]; kind == "networks" && networks && service[kind] == nil && !mode {
			if def, there := all["default"]; there {
				defs["default"] = def
			}
		}
		out[kind] = defs
	}
	return out
}

// references returns the names by which a service refers to definitions of a kind, in
// short or long form.
func references(kind string, value any) (names []string) {
	switch value := value.(type) {
	case map[string]any:
		return slices.Sorted(maps.Keys(value))
	case []any:
		for _, entry := range value {
			switch entry := entry.(type) {
			case string:
				if kind == "volumes" {
					entry, _, _ = strings.Cut(entry, ":")
				}
				names = append(names, entry)
			case map[string]any:
				name, _ := entry["source"].(string)
				names = append(names, name)
			}
		}
	}
	return names
}

// variable matches a $ that Compose fills in, and the name after it, if there is one.
var variable = regexp.MustCompile(`\$\$|\$\{?([A-Za-z_][A-Za-z0-9_]*)?`)

// Variables returns the names of what Compose fills into a value, sorted.
func Variables(v any) []string {
	found := make(map[string]bool)
	collectVariables(v, found)
	return slices.Sorted(maps.Keys(found))
}

// PassedOn returns the names of the variables that a service, or a part of it, gets
// without a ${…}: those without a value in its environment, and those that secrets and
// configs, which are in definitions, name.
func PassedOn(service, definitions map[string]any) []string {
	found := make(map[string]bool)
	build, _ := service["build"].(map[string]any)
	for _, v := range []any{service["environment"], build["args"]} {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				if name, ok := e.(string); ok && !strings.Contains(name, "=") {
					found[name] = true
				}
			}
		case map[string]any:
			for name, value := range v {
				if value == nil {
					found[name] = true
				}
			}
		}
	}
	for _, kind := range []string{"secrets", "configs"} {
		defs, _ := definitions[kind].(map[string]any)
		for _, def := range defs {
			d, _ := def.(map[string]any)
			if name, ok := d["environment"].(string); ok {
				found[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func collectVariables(v any, into map[string]bool) {
	switch v := v.(type) {
	case string:
		for _, m := range variable.FindAllStringSubmatch(v, -1) {
			if m[0] != "$$" {
				into[m[1]] = true
			}
		}
	case []any:
		for _, e := range v {
			collectVariables(e, into)
		}
	case map[string]any:
		for key, e := range v {
			collectVariables(key, into)
			collectVariables(e, into)
		}
	}
}

package userconfig

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"gitlauncher/imagepin/oci"
)

// The tables of the file.
const (
	launcherTable = "launcher_config"
	nodeTable     = "mpc_node_config"
)

// maxDepth is how deep tables and lists may be nested. TOML writes the whole path of each
// table, so the node's file grows with the square of the depth.
const maxDepth = 64

// deprecated keys are accepted. Only registry and image_name still have an effect.
var deprecated = []string{"registry", "image_name", "image_tags", "rpc_request_timeout_secs", "rpc_request_interval_secs", "rpc_max_attempts"}

func (c *Config) parseTOML(data []byte) error {
	var file map[string]any
	if err := toml.Unmarshal(data, &file); err != nil {
		// The library's text quotes the file, which has secret keys in it.
		e := &Error{Reason: "is not TOML"}
		var at *toml.DecodeError
		if errors.As(err, &at) {
			e.Line, _ = at.Position()
		}
		return e
	}
	for _, key := range sorted(file) {
		if key != launcherTable && key != nodeTable {
			c.warn("%s is not known and has no effect", key)
		}
	}
	launcher, ok := file[launcherTable].(map[string]any)
	if !ok {
		return &Error{Key: launcherTable, Reason: "is not there, or not a table"}
	}
	if c.Node, ok = file[nodeTable].(map[string]any); !ok {
		return &Error{Key: nodeTable, Reason: "is not there, or not a table"}
	}
	if deeper(c.Node, maxDepth) {
		return &Error{Key: nodeTable, Reason: fmt.Sprintf("is nested more than %d levels deep", maxDepth)}
	}
	t := table{launcher, launcherTable}
	steps := []func(table) error{c.tomlImage, c.tomlOverride, c.tomlPorts, c.tomlPull}
	for _, step := range steps {
		if err := step(t); err != nil {
			return err
		}
	}
	known := append([]string{"image_reference", "image", "mpc_hash_override", "port_mappings", "pull_max_retries", "pull_retry_interval_secs", "pull_max_delay_secs"}, deprecated...)
	for _, key := range sorted(launcher) {
		if !slices.Contains(known, key) {
			c.warn("%s.%s is not known and has no effect", launcherTable, key)
		}
	}
	return nil
}

func (c *Config) tomlImage(t table) error {
	reference, isReference, err := t.text("image_reference")
	if err != nil {
		return err
	}
	image, isImage, err := t.text("image")
	if err != nil {
		return err
	}
	if isReference && isImage {
		return t.error("image", "is another name of image_reference, which is there, too")
	}
	registry, _, err := t.text("registry")
	if err != nil {
		return err
	}
	name, isName, err := t.text("image_name")
	if err != nil {
		return err
	}
	for _, key := range deprecated {
		if _, ok := t.values[key]; ok {
			c.warn("%s is deprecated; use image_reference and the pull_ keys", t.name+"."+key)
		}
	}
	switch {
	case isReference, isImage:
		if c.Image, err = oci.ParseName(reference + image); err != nil {
			return t.error("image_reference", err.Error())
		}
	case isName:
		if c.Image, err = fullName(registry, name); err != nil {
			return t.error("registry and image_name", err.Error())
		}
	default:
		return t.error("image_reference", "is not there")
	}
	return nil
}

func (c *Config) tomlOverride(t table) error {
	override, ok, err := t.text("mpc_hash_override")
	if err != nil || !ok {
		return err
	}
	if c.Override, err = oci.ParseDigest(override); err != nil {
		return t.error("mpc_hash_override", err.Error())
	}
	return nil
}

func (c *Config) tomlPorts(t table) error {
	const key = "port_mappings"
	v, ok := t.values[key]
	if !ok {
		return nil
	}
	list, ok := v.([]any)
	if !ok {
		return t.error(key, "is not a list")
	}
	for i, v := range list {
		entry, ok := v.(map[string]any)
		host, isHost := entry["host"].(int64)
		container, isContainer := entry["container"].(int64)
		if !ok || !isHost || !isContainer {
			return t.error(key, fmt.Sprintf("entry %d is not { host = PORT, container = PORT }", i+1))
		}
		if len(entry) > 2 {
			return t.error(key, fmt.Sprintf("entry %d has more than host and container", i+1))
		}
		if err := c.addPort(host, container); err != nil {
			return t.error(key, fmt.Sprintf("entry %d: %v", i+1, err))
		}
	}
	return nil
}

func (c *Config) tomlPull(t table) error {
	retries, interval, maxDelay := int64(c.Pull.Retries), int64(c.Pull.Interval/time.Second), int64(c.Pull.MaxDelay/time.Second)
	for _, n := range []struct {
		key      string
		to       *int64
		min, max int64
	}{
		{"pull_max_retries", &retries, 0, 1000},
		{"pull_retry_interval_secs", &interval, 1, 3600},
		{"pull_max_delay_secs", &maxDelay, 1, 3600},
	} {
		v, ok := t.values[n.key]
		if !ok {
			continue
		}
		if *n.to, ok = v.(int64); !ok || *n.to < n.min || *n.to > n.max {
			return t.error(n.key, fmt.Sprintf("is not a whole number between %d and %d", n.min, n.max))
		}
	}
	c.Pull = Pull{int(retries), time.Duration(interval) * time.Second, time.Duration(maxDelay) * time.Second}
	return nil
}

// table is a TOML table. Errors need its name.
type table struct {
	values map[string]any
	name   string
}

func (t table) error(key, reason string) error {
	return &Error{Key: t.name + "." + key, Reason: reason}
}

// text returns the string under a key. ok reports whether the key is there.
func (t table) text(key string) (s string, ok bool, err error) {
	v, ok := t.values[key]
	if !ok {
		return "", false, nil
	}
	s, isText := v.(string)
	if !isText || strings.TrimSpace(s) == "" {
		return "", true, t.error(key, "is not a string, or is empty")
	}
	return s, true, nil
}

// deeper reports whether a value has more than this many levels of tables and lists.
func deeper(v any, levels int) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			if levels == 0 || deeper(inner, levels-1) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(inner any) bool { return levels == 0 || deeper(inner, levels-1) })
	}
	return false
}

func sorted(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

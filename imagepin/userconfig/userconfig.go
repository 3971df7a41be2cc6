package userconfig

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"gitlauncher/imagepin/oci"
)

// MaxFile is the size of the largest user config, in bytes: 1 MiB.
const MaxFile = 1 << 20

// Config is a user config that was parsed and checked.
type Config struct {
	Image    oci.Name
	Override oci.Digest // zero for none
	Ports    []Port
	Pull     Pull

	DotEnv bool           // the file has the .env form
	Node   map[string]any // of a TOML file: the node's settings, as decoded TOML
	Env    []string       // of a .env file: NAME=VALUE, in order

	Warnings []string // for the operator: deprecated, unknown and refused keys
}

// Port publishes a port of the container at a port of the VM.
type Port struct{ Host, Container uint16 }

// Pull says how often a registry is asked again, and after what pauses.
type Pull struct {
	Retries  int           // tries after the first
	Interval time.Duration // before the first retry; it grows by half each time
	MaxDelay time.Duration // the longest pause
}

var defaultPull = Pull{Retries: 5, Interval: 2 * time.Second, MaxDelay: time.Minute}

// Error says why a user config was refused. Line is 0 where it is not known.
type Error struct {
	Line   int
	Key    string
	Reason string
}

func (e *Error) Error() string {
	s := "user config"
	if e.Line > 0 {
		s += fmt.Sprintf(", line %d", e.Line)
	}
	if e.Key != "" {
		s += ": " + e.Key
	}
	return s + ": " + e.Reason
}

// Parse reads a user config of either form. Errors are [*Error].
func Parse(data []byte) (*Config, error) {
	switch {
	case len(data) > MaxFile:
		return nil, &Error{Reason: fmt.Sprintf("is larger than %d KiB", MaxFile>>10)}
	case !utf8.Valid(data):
		return nil, &Error{Reason: "is not valid UTF-8"}
	case bytes.HasPrefix(data, []byte("\ufeff")):
		return nil, &Error{Line: 1, Reason: "begins with a byte-order mark"}
	}
	cfg := &Config{Pull: defaultPull, DotEnv: !isTOML(string(data))}
	var err error
	if cfg.DotEnv {
		err = cfg.parseDotEnv(string(data))
	} else {
		err = cfg.parseTOML(data)
	}
	if err != nil {
		return nil, err
	}
	return cfg, nil
}

// isTOML reports whether the text has a table header, or a line that begins with the name
// of one of the two tables. The names in the .env form are in capitals.
func isTOML(text string) bool {
	return regexp.MustCompile(`(?m)^[ \t]*(\[|"?(launcher_config|mpc_node_config)\b)`).MatchString(text)
}

func (c *Config) warn(format string, args ...any) {
	c.Warnings = append(c.Warnings, fmt.Sprintf(format, args...))
}

// hubAliases are the names that older configs use for Docker Hub.
var hubAliases = []string{"", oci.DockerHub, "index.docker.io", "registry.hub.docker.com", "registry-1.docker.io", "hub.docker.com"}

// fullName joins registry and image_name, which older configs kept apart.
func fullName(registry, name string) (oci.Name, error) {
	registry = strings.TrimSuffix(strings.TrimPrefix(registry, "https://"), "/")
	for _, alias := range hubAliases {
		if registry == alias {
			return oci.ParseName(name)
		}
	}
	joined, err := oci.ParseName(registry + "/" + name)
	if strings.HasPrefix(name, registry+"/") {
		joined, err = oci.ParseName(name)
	}
	if err == nil && joined.Domain() == oci.DockerHub {
		// A registry without a dot or port, such as "team", would become a folder on Docker Hub.
		return oci.Name{}, errors.New("is not the host of a registry")
	}
	return joined, err
}

func (c *Config) addPort(host, container int64) error {
	if host < 1 || host > 65535 || container < 1 || container > 65535 {
		return errors.New("a port is not between 1 and 65535")
	}
	for _, p := range c.Ports {
		if int64(p.Host) == host {
			return fmt.Errorf("the host port %d is given twice", host)
		}
	}
	c.Ports = append(c.Ports, Port{uint16(host), uint16(container)})
	return nil
}

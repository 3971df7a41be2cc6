package userconfig

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/joho/godotenv"

	"gitlauncher/imagepin/oci"
)

// defaultImage is the image that the first launcher ran if the file named none.
const defaultImage = "nearone/mpc-node"

// The limits of what reaches the container (doc/image-mode.md).
const (
	maxVariables = 64
	maxValue     = 1024     // bytes of one value
	maxEnv       = 32 << 10 // bytes of all names and values
	maxPorts     = 64       // entries of PORTS
	passPattern  = `^MPC_[A-Z0-9_]{1,64}$`
	namePattern  = `^[A-Za-z_][A-Za-z0-9_]*$`
)

// These are compiled only when they are needed, since git mode starts without them.
var (
	passName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(passPattern) })
	anyName  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(namePattern) })
)

// passAlso are names that reach the container although they do not match passPattern.
var passAlso = []string{"RUST_LOG", "RUST_BACKTRACE", "NEAR_BOOT_NODES"}

// neverPass are names that match passPattern and do not reach the container: secrets, and
// variables that the launcher sets.
var neverPass = []string{"MPC_P2P_PRIVATE_KEY", "MPC_ACCOUNT_SK", "MPC_IMAGE_HASH", "MPC_LATEST_ALLOWED_HASH_FILE"}

// The launcher's own settings, each by its name and its older one. They do not reach the
// container.
var (
	imageNames    = []string{"LAUNCHER_IMAGE_NAME", "MPC_IMAGE_NAME"}
	imageTags     = []string{"LAUNCHER_IMAGE_TAGS", "MPC_IMAGE_TAGS"}
	registries    = []string{"LAUNCHER_REGISTRY", "MPC_REGISTRY"}
	hashOverrides = []string{"ENV_VAR_MPC_HASH_OVERRIDE", "MPC_HASH_OVERRIDE"}
	ports         = []string{"PORTS"}
	unused        = []string{"RPC_REQUEST_TIMEOUT_SECS", "RPC_REQUEST_INTERVAL_SECS", "RPC_MAX_ATTEMPTS"}
)

// variable is one line of the file, as plain reads it.
type variable struct {
	line        int
	name, value string
}

func (c *Config) parseDotEnv(text string) error {
	vars, err := plain(text)
	if err != nil {
		return err
	}
	if err := agree(text, vars); err != nil {
		return err
	}
	if err := c.dotEnvSettings(vars); err != nil {
		return err
	}
	c.pass(vars)
	return nil
}

// plain reads NAME=VALUE lines as the first launcher did. It splits at the first =, trims
// both sides and expands nothing.
func plain(text string) ([]variable, error) {
	var vars []variable
	seen := make(map[string]bool)
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		v := variable{i + 1, strings.TrimSpace(name), strings.TrimSpace(value)}
		switch {
		case !ok:
			return nil, &Error{Line: v.line, Reason: "is not NAME=VALUE"}
		case !anyName().MatchString(v.name):
			return nil, &Error{Line: v.line, Reason: "has no name of letters, digits and underscores before the ="}
		case seen[v.name]:
			return nil, &Error{v.line, v.name, "is given twice"}
		}
		seen[v.name] = true
		vars = append(vars, v)
	}
	if len(vars) == 0 { // the file was probably cut off
		return nil, &Error{Reason: "is empty"}
	}
	return vars, nil
}

// agree requires that godotenv reads the same variables.
func agree(text string, vars []variable) error {
	read, err := godotenv.Unmarshal(text)
	if err != nil {
		return &Error{Reason: "is neither TOML nor NAME=VALUE lines"} // err quotes the file
	}
	for _, v := range vars {
		got, ok := read[v.name]
		if !ok || got != v.value {
			return &Error{v.line, v.name, "can be read in two ways; write the value without quotes, $, \\ and comments"}
		}
		delete(read, v.name)
	}
	if len(read) > 0 {
		return &Error{Reason: "can be read in two ways; write one NAME=VALUE a line"}
	}
	return nil
}

func (c *Config) dotEnvSettings(vars []variable) error {
	name, err := setting(vars, imageNames)
	if err != nil {
		return err
	}
	registry, err := setting(vars, registries)
	if err != nil {
		return err
	}
	override, err := setting(vars, hashOverrides)
	if err != nil {
		return err
	}
	published, err := setting(vars, ports)
	if err != nil {
		return err
	}
	if name.value == "" {
		c.warn("no image is named; taking %s", defaultImage)
		name.value = defaultImage
	}
	if c.Image, err = fullName(registry.value, name.value); err != nil {
		return &Error{name.line, "image name and registry", err.Error()}
	}
	if override.value != "" {
		if c.Override, err = oci.ParseDigest(override.value); err != nil {
			return &Error{override.line, override.name, err.Error()}
		}
	}
	for _, v := range vars {
		if among(v.name, imageTags) || among(v.name, unused) {
			c.warn("%s is deprecated and has no effect", v.name)
		}
	}
	if err := c.dotEnvPorts(published.value); err != nil {
		return &Error{published.line, published.name, err.Error()}
	}
	return nil
}

// setting returns the variable that has one of the names. Two of them must have the same
// value.
func setting(vars []variable, names []string) (variable, error) {
	var found variable
	for _, v := range vars {
		if !among(v.name, names) {
			continue
		}
		if found.name != "" && found.value != v.value {
			return variable{}, &Error{v.line, v.name, "contradicts " + found.name}
		}
		found = v
	}
	return found, nil
}

func (c *Config) dotEnvPorts(list string) error {
	if list == "" {
		return nil
	}
	entries := strings.Split(list, ",")
	if len(entries) > maxPorts {
		return errors.New("has too many entries")
	}
	for _, entry := range entries {
		host, container, ok := strings.Cut(strings.TrimSpace(entry), ":")
		h, err := strconv.ParseUint(host, 10, 16)
		k, err2 := strconv.ParseUint(container, 10, 16)
		if !ok || err != nil || err2 != nil {
			return errors.New("is not a list HOST:CONTAINER,… of ports")
		}
		if err := c.addPort(int64(h), int64(k)); err != nil {
			return err
		}
	}
	return nil
}

// pass selects the variables that reach the container, and warns about the others.
func (c *Config) pass(vars []variable) {
	size := 0
	for _, v := range vars {
		if among(v.name, imageNames, imageTags, registries, hashOverrides, ports, unused) {
			continue
		}
		reason := refuse(v)
		switch n := len(v.name) + len(v.value); {
		case reason != "":
		case len(c.Env) == maxVariables:
			reason = "there are more than 64 variables"
		case size+n > maxEnv:
			reason = "the variables are larger than 32 KiB together"
		default:
			size += n
			c.Env = append(c.Env, v.name+"="+v.value)
			continue
		}
		c.warn("the variable %s does not reach the container: %s", v.name, reason)
	}
}

// refuse returns why a variable may not reach the container; empty if it may.
func refuse(v variable) string {
	switch {
	case among(v.name, neverPass):
		return "it is a secret, or the launcher sets it"
	case !passName().MatchString(v.name) && !among(v.name, passAlso):
		return "its name is not one of those that may"
	case len(v.value) > maxValue:
		return "it is longer than 1,024 bytes"
	case strings.ContainsFunc(v.value, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }):
		return "it holds a control character"
	case strings.Contains(v.value, "LD_PRELOAD"):
		return "it holds LD_PRELOAD"
	}
	return ""
}

func among(name string, lists ...[]string) bool {
	for _, list := range lists {
		for _, n := range list {
			if n == name {
				return true
			}
		}
	}
	return false
}

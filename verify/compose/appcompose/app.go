package appcompose

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/internal/environ"
	"gitlauncher/internal/strictjson"
)

// The bounds of an app-compose. dstack takes five init scripts.
const (
	MaxSize    = 1 << 20 // in bytes; the compose file in it may have strictyaml.MaxSize
	maxFields  = 256
	maxEnvs    = 1024
	maxScripts = 5
)

// App is dstack's app-compose.json, as far as it is read.
type App struct {
	Runner            string          `json:"runner"`
	DockerComposeFile string          `json:"docker_compose_file"`
	AllowedEnvs       []string        `json:"allowed_envs"`
	PreLaunchScript   string          `json:"pre_launch_script"`
	InitScript        json.RawMessage `json:"init_script"`
	BashScript        string          `json:"bash_script"`

	InitScripts [][]byte                   `json:"-"` // in the order in which dstack runs them
	Values      map[string]json.RawMessage `json:"-"` // of all fields
}

// Parse reads an app-compose strictly, so that its readers, serde, jq and bash, read
// the same.
func Parse(data []byte) (*App, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("is larger than %d MiB", MaxSize>>20)
	}
	a := new(App)
	if err := strictjson.Unmarshal(data, a); err != nil {
		return nil, err
	}
	if err := strictjson.Unmarshal(data, &a.Values); err != nil || a.Values == nil {
		return nil, errors.New("is not a JSON object")
	}
	switch {
	case len(a.Values) > maxFields:
		return nil, fmt.Errorf("has more than %d fields", maxFields)
	case len(a.AllowedEnvs) > maxEnvs:
		return nil, fmt.Errorf("has more than %d allowed_envs", maxEnvs)
	}
	var err error
	a.InitScripts, err = initScripts(a.InitScript)
	return a, err
}

// initScripts reads the init_script: a string, or in 0.6 a list of strings, too.
func initScripts(value json.RawMessage) (scripts [][]byte, err error) {
	var list []string
	switch {
	case len(value) == 0 || string(value) == "null":
		return nil, nil
	case value[0] == '[':
		err = strictjson.Unmarshal(value, &list)
	default:
		list = make([]string, 1)
		err = strictjson.Unmarshal(value, &list[0])
		if list[0] == "" {
			list = nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("init_script is neither a string nor a list of strings")
	}
	if len(list) > maxScripts {
		return nil, fmt.Errorf("has more than %d init scripts, which no dstack takes", maxScripts)
	}
	for _, s := range list {
		scripts = append(scripts, []byte(s))
	}
	return scripts, nil
}

// Dangerous reports whether a variable whose value is not measured could change what
// runs, or make a program print a secret: one that the launcher filters and ALLOW_ENV
// may let through, or one that changes what dstack's scripts, Compose, Docker or the
// launcher itself do. Case does not matter.
func Dangerous(name string) bool {
	upper := strings.ToUpper(name)
	for _, prefix := range []string{"COMPOSE_", "DOCKER_", "BUILDKIT_", "NERDCTL_", "CONTAINERD_", "SSH_", "SSL_CERT_", "DCAP_TDX_"} {
		if strings.HasPrefix(upper, prefix) {
			return true
		}
	}
	return !IsVariable(name) || environ.Filtered(upper) || strings.HasSuffix(upper, "_PROXY") || slices.Contains([]string{
		"PLATFORM", "DEFAULT_IMAGE_DIGEST", "TARGET_PLATFORM", "PATH",
		"HOME", "XDG_CONFIG_HOME", "GODEBUG", "DSTACK_SIMULATOR_ENDPOINT", "DSTACK_ENDPOINT",
		"APP_COMPOSE_FILE", "DSTACK_ROOT_PASSWORD", "DSTACK_ROOT_PUBLIC_KEY", "DSTACK_AUTHORIZED_KEYS",
	}, upper)
}

// IsVariable reports whether a shell can set a variable of this name. Other names can
// become two lines, or none.
func IsVariable(name string) bool {
	return name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == "" && (name[0] < '0' || name[0] > '9')
}

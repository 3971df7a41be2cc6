package compose

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/internal/environ"
	"gitlauncher/internal/strictjson"
)

// MaxSize is the largest app-compose that is read, in bytes: 1 MiB. The compose file
// in it may have strictyaml.MaxSize. What reading it may cost is bounded, too: see
// package strictyaml and checkPorts.
const MaxSize = 1 << 20

// What an app-compose may have at most. dstack takes five init scripts.
const (
	maxFields  = 256
	maxEnvs    = 1024
	maxScripts = 5
)

// System is what kind of OS image the registers are of.
type System int

// The kinds of OS images.
const (
	Unknown     System = iota
	Production         // published, and nobody can log in
	Development        // has an SSH server
)

// Expect is what the reader expects of an app-compose.
type Expect struct {
	LauncherDigests []string // sha256:…, any of them; empty: the service is found by name
	Image           bool     // the launch is image mode's: docker.sock, /tapp and /mnt/shared are the launcher's
	Allow           []string // accepted exceptions: NAME, or NAME@sha256:HEX
	Envs            []string // variables that allowed_envs may name
	EnvsGiven       bool     // false: allowed_envs are listed, not held against Envs

	ComposeHashes       []string // SHA-256 of the app-compose in lowercase hex, any of them
	DockerComposeSHA256 []string // of docker_compose_file, likewise
	Environment         []string // literal variables of the launcher's service, NAME=value
	System              System
}

// Problem is a way in which a compose gives something else a say in what runs, or may.
type Problem struct {
	Where    string // "app-compose", or a service
	What     string // what is there
	Why      string // how it can change what runs: a sentence
	Name     string // the name of its exception
	Accept   string // the exception that accepts this content, NAME@sha256:HEX; "": none does
	Accepted bool
	// Open: an expectation is missing; with each line of Settle in the policy there
	// would be none. A Problem that is neither Open nor Accepted is a refusal.
	Open   bool
	Settle []string
}

// Result is what a compose says, and what is wrong with it.
type Result struct {
	Service     string   // the launcher's service; empty if there is none, or several
	ByName      bool     // found by its image's name, since no digest is expected
	NoService   string   // why there is none
	Image       string   // as the service has it
	ImageDigest string   // sha256:…; empty where the image is not pinned
	Config      []byte   // the config's bytes in the compose; nil where it has none
	Env         []string // other literal variables of the launcher's service, NAME=value
	Passed      []string // variables that the launcher's service gets from the deployer
	Others      []string
	AllowedEnvs []string
	Problems    []Problem
	Accepted    []string // exceptions that were needed, NAME@sha256:HEX
	Notes       []string // things to know that change nothing

	DockerComposeSHA256 string
	Fields              map[string]string // the app-compose's: a string's text, or canonical JSON
	ConfigFromEnv       bool              // Config is the value of GIT_LAUNCHER_CONFIG
	Measure             string            // --measure, where the compose says it
	DefaultImageDigest  string            // image mode's, where the compose says it
	InitScripts         [][]byte          // in the order in which dstack runs them
	// Pinned: nothing but what the compose holds can be launched. The launcher is named
	// by digest and its container can't be changed, no exception of launcher: was
	// needed, and the config (image mode: the digest) is in the compose.
	Pinned bool
	// Unpinned are the reasons why not, in sentences.
	Unpinned []string

	exceptions []Exception
}

// app is dstack's app-compose.json, as far as it is judged.
type app struct {
	Runner            string          `json:"runner"`
	DockerComposeFile string          `json:"docker_compose_file"`
	AllowedEnvs       []string        `json:"allowed_envs"`
	PreLaunchScript   string          `json:"pre_launch_script"`
	InitScript        json.RawMessage `json:"init_script"`
	BashScript        string          `json:"bash_script"`
}

// judge collects what is found.
type judge struct {
	expect Expect
	Result
	hash               string // of the app-compose
	pinned, filePinned bool   // by the policy
	model              *model
	candidates         []string        // services that could be the launcher's
	volumes            volumes         // of the launcher's service
	dirs               map[string]bool // see writable
	fromEnv            []byte          // the config in ConfigVariable
	noApproved         bool            // image mode consults no file of approved digests
}

// Judge judges the exact bytes of an app-compose. An error means that it is none:
// not JSON, with ambiguous keys, or with a compose file that readers differ on.
func Judge(ctx context.Context, appCompose []byte, expect Expect) (*Result, error) {
	if len(appCompose) > MaxSize {
		return nil, fmt.Errorf("app-compose: is larger than %d MiB", MaxSize>>20)
	}
	var a app
	var keys map[string]json.RawMessage
	if err := strictjson.Unmarshal(appCompose, &a); err != nil {
		return nil, fmt.Errorf("app-compose: %w", err)
	}
	if err := strictjson.Unmarshal(appCompose, &keys); err != nil || keys == nil {
		return nil, fmt.Errorf("app-compose: is not a JSON object")
	}
	switch {
	case len(keys) > maxFields:
		return nil, fmt.Errorf("app-compose: has more than %d fields", maxFields)
	case len(a.AllowedEnvs) > maxEnvs:
		return nil, fmt.Errorf("app-compose: has more than %d allowed_envs", maxEnvs)
	}
	j := &judge{expect: expect, hash: hashBytes(appCompose)}
	j.DockerComposeSHA256 = hashBytes([]byte(a.DockerComposeFile))
	j.pinned = slices.Contains(expect.ComposeHashes, j.hash)
	j.filePinned = j.pinned || slices.Contains(expect.DockerComposeSHA256, j.DockerComposeSHA256)
	if err := j.app(&a, keys); err != nil {
		return nil, err
	}
	if a.Runner != "docker-compose" {
		j.appProblem("runner", keys["runner"], fmt.Sprintf("runner is %.40q", a.Runner), "only docker-compose is understood here; another runner runs something else than the compose file, or runs it in another way")
		j.NoService = "the runner is not docker-compose"
		return &j.Result, nil
	}
	var err error
	if j.model, err = load(ctx, []byte(a.DockerComposeFile)); err != nil {
		return nil, fmt.Errorf("compose file: %w", err)
	}
	j.compose()
	j.conclude()
	return &j.Result, nil
}

// Explain returns what the exception of a name would accept in an app-compose. The
// name may be bound. It is an error if the app-compose needs no such exception.
func Explain(ctx context.Context, appCompose []byte, expect Expect, name string) (Exception, error) {
	name, _, _ = strings.Cut(name, "@sha256:")
	r, err := Judge(ctx, appCompose, expect)
	if err != nil {
		return Exception{}, err
	}
	var names []string
	for _, e := range r.exceptions {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	if len(names) == 0 {
		return Exception{}, fmt.Errorf("the app-compose needs no exception")
	}
	return Exception{}, fmt.Errorf("the app-compose needs no exception of that name; it needs %s", strings.Join(names, ", "))
}

// app judges what is not in the compose file.
func (j *judge) app(a *app, keys map[string]json.RawMessage) error {
	if a.PreLaunchScript != "" {
		j.preLaunch(a.PreLaunchScript, a.AllowedEnvs)
	}
	scripts, err := initScripts(a.InitScript)
	if err != nil {
		return fmt.Errorf("app-compose: %w", err)
	}
	const why = "it runs as root beside the guest agent's socket and can do anything, before or instead of the launcher"
	if j.InitScripts = scripts; len(scripts) > 0 {
		e := valueException("init_script", a.InitScript)
		if a.InitScript[0] == '"' {
			e = exception{name: "init_script", hash: hashBytes(scripts[0]), text: scripts[0]}
		}
		j.except("app-compose", e, "has an init_script", why)
	}
	if a.BashScript != "" {
		j.except("app-compose", exception{name: "bash_script", hash: hashBytes([]byte(a.BashScript)), text: []byte(a.BashScript)}, "has a bash_script", why)
	}
	j.judgeFields(keys)
	j.AllowedEnvs = a.AllowedEnvs
	for _, name := range a.AllowedEnvs {
		what := fmt.Sprintf("allowed_envs has %.60q", name)
		switch {
		case dangerousEnv(name):
			quoted, _ := json.Marshal(name)
			j.except("app-compose", valueException("allowed_env:"+name, quoted), what, "whoever deploys chooses its value, unmeasured, and this variable can change what runs, or show secrets")
		case j.expect.EnvsGiven && !slices.Contains(j.expect.Envs, name):
			quoted, _ := json.Marshal(name)
			j.except("app-compose", valueException("allowed_env:"+name, quoted), what, "ALLOWED_ENVS does not have it; whoever deploys chooses its value, unmeasured")
		}
	}
	return nil
}

// initScripts reads the init_script, which 0.6 takes as a list, too.
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

// dangerousEnv reports whether a variable whose value is not measured could change
// what runs, or make a program print a secret: one that the launcher filters, which
// ALLOW_ENV may let through, or one that dstack's scripts, Compose, Docker or the
// launcher itself heeds. Case does not matter.
func dangerousEnv(name string) bool {
	upper := strings.ToUpper(name)
	for _, prefix := range []string{"COMPOSE_", "DOCKER_", "BUILDKIT_", "NERDCTL_", "CONTAINERD_", "SSH_", "SSL_CERT_", "DCAP_TDX_"} {
		if strings.HasPrefix(upper, prefix) {
			return true
		}
	}
	return !isVariable(name) || environ.Filtered(upper) || strings.HasSuffix(upper, "_PROXY") || slices.Contains([]string{
		"PLATFORM", "DEFAULT_IMAGE_DIGEST", "TARGET_PLATFORM", "PATH",
		"HOME", "XDG_CONFIG_HOME", "GODEBUG", "DSTACK_SIMULATOR_ENDPOINT", "DSTACK_ENDPOINT",
		"APP_COMPOSE_FILE", "DSTACK_ROOT_PASSWORD", "DSTACK_ROOT_PUBLIC_KEY", "DSTACK_AUTHORIZED_KEYS",
	}, upper)
}

// isVariable reports whether a name is one that a shell can set: others can be
// two lines, or none.
func isVariable(name string) bool {
	return name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == "" && (name[0] < '0' || name[0] > '9')
}

// compose judges the compose file.
func (j *judge) compose() {
	j.top()
	j.find()
	j.volumes = j.model.volumesOf(j.model.services[j.Service])
	if j.expect.Image { // the workload's own, by their full names (doc/image-mode.md)
		j.volumes.exact[volume{name: "mpc-data"}], j.volumes.exact[volume{name: "shared-volume"}] = true, true
	}
	for _, name := range sortedKeys(j.model.services) {
		switch {
		case name == j.Service:
			j.launcher(name, j.model.services[name])
		case slices.Contains(j.candidates, name):
			// NoService names them: one is the launcher, and nobody knows which.
		default:
			j.Others = append(j.Others, name)
		}
	}
	for _, name := range j.Others { // behind the launcher, whose config says which volume it proves
		j.other(name, j.model.services[name])
	}
}

// top judges the top-level keys.
func (j *judge) top() {
	for _, key := range sortedKeys(j.model.file) {
		why, known := map[string]string{
			"include": "it brings in services from files that are not measured",
			"jobs":    "they are containers that are not judged here",
			"models":  "they are run by a program of the VM",
			"name":    "", "version": "", "services": "", "networks": "", "volumes": "", "configs": "", "secrets": "",
		}[key]
		switch {
		case !known && !strings.HasPrefix(key, "x-"):
			j.except("compose file", j.topException(key), fmt.Sprintf("has %.60s", key), "it is not known to be harmless")
		case why != "" && j.model.file[key] != nil:
			j.except("compose file", j.topException(key), "has "+key, why)
		}
	}
}

// find chooses the launcher's service. A service that an exception names is not it.
func (j *judge) find() {
	var found []string
	for _, name := range sortedKeys(j.model.services) {
		image, _ := j.model.services[name]["image"].(string)
		ref, digest, _ := strings.Cut(image, "@")
		match := slices.Contains(j.expect.LauncherDigests, digest)
		if len(j.expect.LauncherDigests) == 0 {
			match = strings.Contains(ref, "launcher")
		}
		if !match {
			continue
		}
		e := j.serviceException(name)
		switch j.acceptance(e) {
		case accepted, byName:
			j.except("service "+name, e, "runs the launcher's image", "two launchers share what belongs to one")
		default:
			found = append(found, name)
		}
	}
	j.ByName, j.candidates = len(j.expect.LauncherDigests) == 0, found
	switch {
	case len(found) == 1:
		j.Service = found[0]
	case len(found) > 1:
		var accept []string
		for _, name := range found {
			accept = append(accept, j.serviceException(name).bound())
		}
		j.NoService = "several services run the launcher's image: " + strings.Join(found, ", ") + "; the one that only shares its image can be accepted by ALLOW_COMPOSE=" + strings.Join(accept, " or ")
	case j.ByName:
		j.NoService = "no service's image has a name with “launcher” in it"
	default:
		j.NoService = "no service runs an image with a digest of LAUNCHER_IMAGE_DIGEST"
	}
}

// serviceException is that of a whole service.
func (j *judge) serviceException(name string) exception {
	return j.partException("service:"+name, j.model.raw(name), true)
}

package compose

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/internal/environ"
	"gitlauncher/internal/strictjson"
)

// MaxSize is the largest app-compose that is read, in bytes: 1 MiB. What reading
// it may cost is bounded, too: see walk.
const MaxSize = 1 << 20

// Expect is what the reader expects of an app-compose.
type Expect struct {
	LauncherDigests []string // sha256:…, any of them; empty: the service is found by name
	Image           bool     // the launch is image mode's: docker.sock, /tapp and /mnt/shared are the launcher's
	Allow           []string // names of accepted exceptions
	Envs            []string // variables that allowed_envs may name
	EnvsGiven       bool     // false: allowed_envs are listed, not held against Envs
}

// Problem is a way in which a compose gives something else a say in what runs.
type Problem struct {
	Where    string // "app-compose", or a service
	What     string // what is there
	Why      string // how it can change what runs: a sentence
	Accept   string // the name by which ALLOW_COMPOSE accepts it
	Accepted bool
}

// Result is what a compose says, and what is wrong with it.
type Result struct {
	Service     string   // the launcher's service; empty if there is none, or several
	ByName      bool     // found by its image's name, since no digest is expected
	NoService   string   // why there is none
	Image       string   // as the service has it
	ImageDigest string   // sha256:…; empty where the image is not pinned
	Config      []byte   // the inline config's bytes; nil where the compose has none
	Env         []string // literal variables of the launcher's service, NAME=value
	Others      []string
	AllowedEnvs []string
	Problems    []Problem
	Notes       []string // things to know that change nothing
}

// app is dstack's app-compose.json, as far as it is judged.
type app struct {
	ManifestVersion   any             `json:"manifest_version"`
	Name              string          `json:"name"`
	Runner            string          `json:"runner"`
	DockerComposeFile string          `json:"docker_compose_file"`
	DockerConfig      json.RawMessage `json:"docker_config"`
	AllowedEnvs       []string        `json:"allowed_envs"`
	PreLaunchScript   string          `json:"pre_launch_script"`
	InitScript        string          `json:"init_script"`
	BashScript        string          `json:"bash_script"`
	KeyProviderID     string          `json:"key_provider_id"`
}

// knownFields are app-compose's other keys, which don't change what runs.
var knownFields = []string{
	"manifest_version", "name", "runner", "docker_compose_file", "docker_config", "allowed_envs",
	"pre_launch_script", "init_script", "bash_script", "key_provider_id",
	"key_provider", "kms_enabled", "gateway_enabled", "tproxy_enabled", "local_key_provider_enabled",
	"public_logs", "public_sysinfo", "public_tcbinfo", "no_instance_id", "secure_time", "storage_fs",
	"swap_size", "features", "default_gateway_domain", "description", "author", "tags", "salt",
}

// judge collects what is found.
type judge struct {
	expect Expect
	Result
	model      *model
	candidates []string        // services that could be the launcher's
	volumes    volumes         // of the launcher's service
	dirs       map[string]bool // see writable
}

// Judge judges the exact bytes of an app-compose. An error means that it is none:
// not JSON, with ambiguous keys, or with a compose file that can't be read.
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
	j := &judge{expect: expect}
	j.app(&a, keys)
	if a.Runner != "docker-compose" {
		j.problem("app-compose", "runner", fmt.Sprintf("runner is %.40q", a.Runner), "only docker-compose is understood here; another runner runs something else than the compose file")
		j.NoService = "the runner is not docker-compose"
		return &j.Result, nil
	}
	var err error
	if j.model, err = load(ctx, []byte(a.DockerComposeFile)); err != nil {
		return nil, fmt.Errorf("compose file: %w", err)
	}
	j.compose()
	return &j.Result, nil
}

// problem notes a Problem. accept is the name of its exception.
func (j *judge) problem(where, accept, what, why string) {
	j.Problems = append(j.Problems, Problem{Where: where, What: what, Why: why, Accept: accept, Accepted: slices.Contains(j.expect.Allow, accept)})
}

func (j *judge) app(a *app, keys map[string]json.RawMessage) {
	for _, script := range []struct{ name, text string }{{"pre_launch_script", a.PreLaunchScript}, {"init_script", a.InitScript}, {"bash_script", a.BashScript}} {
		if script.text != "" {
			j.problem("app-compose", script.name, "has a "+script.name, "it runs as root beside the guest agent's socket and can do anything, before or instead of the launcher")
		}
	}
	for _, name := range sortedKeys(keys) {
		if !slices.Contains(knownFields, name) {
			j.Notes = append(j.Notes, fmt.Sprintf("app-compose has the field %.60q, which this program does not know", name))
		}
	}
	if c := bytes.TrimSpace(a.DockerConfig); len(c) > 0 && string(c) != "{}" && string(c) != "null" {
		j.Notes = append(j.Notes, "app-compose has a docker_config; it chooses registries and credentials, images by digest are the same from any")
	}
	j.AllowedEnvs = a.AllowedEnvs
	for _, name := range a.AllowedEnvs {
		switch {
		case dangerousEnv(name):
			j.problem("app-compose", "allowed_env:"+name, fmt.Sprintf("allowed_envs has %.60q", name), "whoever deploys chooses its value, unmeasured, and this variable can change what runs")
		case j.expect.EnvsGiven && !slices.Contains(j.expect.Envs, name):
			j.problem("app-compose", "allowed_env:"+name, fmt.Sprintf("allowed_envs has %.60q", name), "ALLOWED_ENVS does not have it; whoever deploys chooses its value, unmeasured")
		}
	}
}

// dangerousEnv reports whether a variable whose value is not measured could
// change what runs (VERIFY.md, D): one that the launcher filters, which ALLOW_ENV
// may let through, or one that Compose, Docker or the launcher itself heeds.
func dangerousEnv(name string) bool {
	upper := strings.ToUpper(name)
	for _, prefix := range []string{"COMPOSE_", "DOCKER_", "BUILDKIT_", "SSH_", "SSL_CERT_", "DCAP_TDX_"} {
		if strings.HasPrefix(upper, prefix) {
			return true
		}
	}
	return !isVariable(name) || environ.Filtered(upper) || strings.HasSuffix(upper, "_PROXY") || slices.Contains([]string{
		"PLATFORM", "DEFAULT_IMAGE_DIGEST", "TARGET_PLATFORM", "PATH",
		"HOME", "XDG_CONFIG_HOME", "GODEBUG", "DSTACK_SIMULATOR_ENDPOINT", "DSTACK_ENDPOINT",
	}, upper)
}

// isVariable reports whether a name is one that a shell can set: others can be
// two lines, or none.
func isVariable(name string) bool {
	return name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// compose judges the compose file.
func (j *judge) compose() {
	m := j.model
	for _, key := range sortedKeys(m.top) {
		why, known := map[string]string{
			"include": "it brings in services from files that are not measured",
			"jobs":    "they are containers that are not judged here",
			"models":  "they are run by a program of the VM",
			"name":    "", "version": "", "services": "", "networks": "", "volumes": "", "configs": "", "secrets": "",
		}[key]
		switch {
		case !known && !strings.HasPrefix(key, "x-"):
			j.problem("compose file", key, fmt.Sprintf("has %.60s", key), "it is not known to be harmless")
		case why != "" && m.top[key] != nil:
			j.problem("compose file", key, "has "+key, why)
		}
	}
	accepted := func(name string) bool { return slices.Contains(j.expect.Allow, "service:"+name) }
	j.find(accepted)
	j.volumes = m.volumesOf(m.services[j.Service])
	if j.expect.Image { // the workload's own, by their full names (doc/image-mode.md)
		j.volumes.exact[volume{name: "mpc-data"}], j.volumes.exact[volume{name: "shared-volume"}] = true, true
	}
	for _, name := range sortedKeys(m.services) {
		if name == j.Service {
			j.launcher(name, m.services[name])
			continue
		}
		if slices.Contains(j.candidates, name) {
			continue // NoService names them: one is the launcher, and nobody knows which
		}
		j.Others = append(j.Others, name)
		before := len(j.Problems)
		j.other(name, m.services[name])
		for i := range j.Problems[before:] {
			j.Problems[before+i].Accepted = j.Problems[before+i].Accepted || accepted(name)
		}
	}
}

// find chooses the launcher's service.
func (j *judge) find(accepted func(string) bool) {
	var found []string
	for _, name := range sortedKeys(j.model.services) {
		image, _ := j.model.services[name]["image"].(string)
		ref, digest, _ := strings.Cut(image, "@")
		match := slices.Contains(j.expect.LauncherDigests, digest)
		if len(j.expect.LauncherDigests) == 0 {
			match = strings.Contains(ref, "launcher")
		}
		if match && !accepted(name) {
			found = append(found, name)
		}
	}
	j.ByName, j.candidates = len(j.expect.LauncherDigests) == 0, found
	switch {
	case len(found) == 1:
		j.Service = found[0]
	case len(found) > 1:
		j.NoService = "several services run the launcher's image: " + strings.Join(found, ", ") + "; the one that only shares its image can be accepted by ALLOW_COMPOSE=service:NAME"
	case j.ByName:
		j.NoService = "no service's image has a name with “launcher” in it"
	default:
		j.NoService = "no service runs an image with a digest of LAUNCHER_IMAGE_DIGEST"
	}
}

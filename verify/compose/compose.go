package compose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/verify/compose/appcompose"
	"gitlauncher/verify/compose/exception"
	"gitlauncher/verify/compose/model"
)

// MaxSize is the largest app-compose that is read, in bytes.
const MaxSize = appcompose.MaxSize

// System is the kind of OS image that the registers are of.
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
	EnvsGiven       bool     // false: allowed_envs are listed, not compared with Envs

	ComposeHashes       []string // SHA-256 of the app-compose in lowercase hex, any of them
	DockerComposeSHA256 []string // of docker_compose_file, likewise
	Environment         []string // literal variables of the launcher's service, NAME=value
	System              System
	Scripts             map[string]string // published scripts beside those that appcompose knows: versions by hash
}

// Problem says how a compose lets something other than the launcher change what runs,
// or may let it.
type Problem struct {
	Where    string // "app-compose", or a service
	What     string // what is there
	Why      string // how it can change what runs: a sentence
	Name     string // the name of its exception
	Accept   string // the exception that accepts this content, NAME@sha256:HEX; "": none does
	Accepted bool
	// Open: an expectation is missing. Each line of Settle, once it is in the policy,
	// settles it. A Problem that is neither Open nor Accepted is a refusal.
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
	Attests     []string // services that are the launcher's attest, which answers with quotes
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
	// PinnedByImage: it would be Pinned if the config were in the compose. A derived image
	// may hold it.
	PinnedByImage bool
	// PinOpen: it would be Pinned, but for Problems that are Open.
	PinOpen bool
	// Unpinned are the reasons why not, in sentences.
	Unpinned []string

	exceptions []exception.Exception
	services   []string
}

// judge collects what is found.
type judge struct {
	expect Expect
	Result
	hash       string // of the app-compose
	allow      exception.Policy
	model      *model.Model
	candidates []string        // services that could be the launcher's
	volumes    model.Volumes   // of the launcher's service
	dirs       map[string]bool // see writableDirs
	fromEnv    []byte          // the config in ConfigVariable
	noApproved bool            // image mode consults no file of approved digests
}

// Judge judges the exact bytes of an app-compose. An error means that they can't be
// judged: they are not JSON, have ambiguous keys, or hold a compose file that readers
// read differently.
func Judge(ctx context.Context, appCompose []byte, expect Expect) (*Result, error) {
	a, err := appcompose.Parse(appCompose)
	if err != nil {
		return nil, fmt.Errorf("app-compose: %w", err)
	}
	j := &judge{expect: expect, hash: exception.Hash(appCompose)}
	j.DockerComposeSHA256 = exception.Hash([]byte(a.DockerComposeFile))
	pinned := slices.Contains(expect.ComposeHashes, j.hash)
	j.allow = exception.Policy{Allow: expect.Allow, AppPinned: pinned, FilePinned: pinned || slices.Contains(expect.DockerComposeSHA256, j.DockerComposeSHA256)}
	j.app(a)
	if a.Runner != "docker-compose" {
		j.appProblem("runner", a.Values["runner"], fmt.Sprintf("runner is %.40q", a.Runner), "only docker-compose is understood here; another runner runs something else than the compose file, or runs it in another way")
		j.NoService = "the runner is not docker-compose"
		return &j.Result, nil
	}
	if j.model, err = model.Load(ctx, []byte(a.DockerComposeFile)); err != nil {
		return nil, fmt.Errorf("compose file: %w", err)
	}
	j.compose()
	j.conclude()
	return &j.Result, nil
}

// Explain returns what the exception of a name would accept in an app-compose. The name
// may be bound. It fails if the app-compose needs no such exception.
func Explain(ctx context.Context, appCompose []byte, expect Expect, name string) (exception.Exception, error) {
	name = exception.NameOf(name)
	r, err := Judge(ctx, appCompose, expect)
	if err != nil {
		return exception.Exception{}, err
	}
	var names []string
	for _, e := range r.exceptions {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	why := "the app-compose needs no exception of that name"
	if service, is := strings.CutPrefix(name, "service:"); is && len(r.services) > 0 && !slices.Contains(r.services, service) {
		why = "the compose file has no such service; it has " + strings.Join(r.services[:min(len(r.services), 20)], ", ")
	}
	if len(names) > 0 {
		why += ". The exceptions that the app-compose needs are " + strings.Join(names, ", ")
	}
	return exception.Exception{}, errors.New(why)
}

// app judges what is not in the compose file.
func (j *judge) app(a *appcompose.App) {
	if a.PreLaunchScript != "" {
		j.preLaunch(a.PreLaunchScript, a.AllowedEnvs)
	}
	const why = "it runs as root beside the guest agent's socket and can do anything, before or instead of the launcher"
	if j.InitScripts = a.InitScripts; len(a.InitScripts) > 0 {
		e := exception.OfJSON("init_script", a.InitScript)
		if a.InitScript[0] == '"' {
			e = exception.OfText("init_script", a.InitScripts[0])
		}
		j.except("app-compose", e, "has an init_script", why)
	}
	if a.BashScript != "" {
		j.except("app-compose", exception.OfText("bash_script", []byte(a.BashScript)), "has a bash_script", why)
	}
	j.judgeFields(a.Values)
	j.AllowedEnvs = a.AllowedEnvs
	for _, name := range a.AllowedEnvs {
		what := fmt.Sprintf("allowed_envs has %.60q", name)
		switch {
		case appcompose.Dangerous(name):
			quoted, _ := json.Marshal(name)
			j.except("app-compose", exception.OfJSON("allowed_env:"+name, quoted), what, "anyone who deploys chooses its value, unmeasured, and this variable can change what runs, or show secrets")
		case j.expect.EnvsGiven && !slices.Contains(j.expect.Envs, name):
			quoted, _ := json.Marshal(name)
			j.except("app-compose", exception.OfJSON("allowed_env:"+name, quoted), what, "ALLOWED_ENVS does not have it; anyone who deploys chooses its value, unmeasured")
		}
	}
}

// compose judges the compose file.
func (j *judge) compose() {
	j.services = model.SortedKeys(j.model.Services)
	j.top()
	j.find()
	j.volumes = j.model.VolumesOf(j.model.Services[j.Service])
	if j.expect.Image { // the workload's own, by their full names (doc/image-mode.md)
		j.volumes.Add("mpc-data", "shared-volume")
	}
	for _, name := range j.services {
		switch {
		case name == j.Service:
			j.launcher(name, j.model.Services[name])
		case slices.Contains(j.candidates, name):
			// NoService names them: one is the launcher, and nobody knows which.
		default:
			j.Others = append(j.Others, name)
		}
	}
	others := j.Others
	j.Others = nil
	for _, name := range others { // after the launcher, whose config says which volume it proves
		service, aside := j.model.Services[name], ""
		if j.callsAttest(service) {
			differs := j.attest(service)
			if differs == nil {
				j.Attests = append(j.Attests, name)
				continue
			}
			aside = "; it is not attest as that is known: " + differs.Error()
		}
		j.Others = append(j.Others, name)
		j.other(name, service, aside)
	}
}

// top judges the top-level keys.
func (j *judge) top() {
	for _, key := range model.SortedKeys(j.model.File) {
		why, known := map[string]string{
			"include": "it brings in services from files that are not measured",
			"jobs":    "they are containers that are not judged here",
			"models":  "they are run by a program of the VM",
			"name":    "", "version": "", "services": "", "networks": "", "volumes": "", "configs": "", "secrets": "",
		}[key]
		switch {
		case !known && !strings.HasPrefix(key, "x-"):
			j.except("compose file", j.topException(key), fmt.Sprintf("has %.60s", key), "it is not known to be harmless")
		case why != "" && j.model.File[key] != nil:
			j.except("compose file", j.topException(key), "has "+key, why)
		}
	}
}

// find chooses the launcher's service. A service that an exception names is not it.
func (j *judge) find() {
	var found []string
	for _, name := range model.SortedKeys(j.model.Services) {
		image, _ := j.model.Services[name]["image"].(string)
		ref, digest, _ := strings.Cut(image, "@")
		match := slices.Contains(j.expect.LauncherDigests, digest)
		if len(j.expect.LauncherDigests) == 0 {
			match = strings.Contains(ref, "launcher")
		}
		if !match || j.callsAttest(j.model.Services[name]) {
			continue
		}
		e := j.serviceException(name)
		switch j.allow.On(e) {
		case exception.Accepted, exception.ByName:
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
			accept = append(accept, j.serviceException(name).Bound())
		}
		j.NoService = "several services run the launcher's image: " + strings.Join(found, ", ") + "; the one that only shares its image can be accepted by ALLOW_COMPOSE=" + strings.Join(accept, " or ")
	case j.ByName:
		j.NoService = "no service's image has a name with “launcher” in it"
	default:
		j.NoService = "no service runs an image with a digest of LAUNCHER_IMAGE_DIGEST"
	}
}

// serviceException returns the exception of a whole service.
func (j *judge) serviceException(name string) exception.Exception {
	return j.partException("service:"+name, j.model.Raw(name), true)
}

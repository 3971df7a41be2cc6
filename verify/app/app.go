package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/verify/boot"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/report"
)

// App is what check D found out about the application.
type App struct {
	Hash    []byte          // SHA-256 of the app-compose; nil unless it is the measured one
	Compose *compose.Result // nil unless the app-compose was judged
	Text    []byte          // the launcher's config, in the compose file or in a derived image; nil where it is in neither
	Config  *config.Git     // the same, parsed
	Image   bool            // image mode
}

// Params is what check D looks at, beside the policy.
type Params struct {
	AppCompose []byte // its exact bytes; nil where there is none
	System     boot.System
	Log        boot.Log
	Image      bool     // image mode
	Derived    *Derived // nil: there is no image to judge
	// Compose is [compose.Judge], or one that remembers.
	Compose func(context.Context, []byte, compose.Expect) (*compose.Result, error)
}

// Judge is check D. It compares the compose with its event, and judges the launcher's
// service and everything else in it.
func Judge(ctx context.Context, c report.Check, p Params) App {
	c.Optional("app id", &c.Policy.AppID, hex.EncodeToString(p.Log.Payload("app-id")), "another application")
	measured := p.Log.Payload("compose-hash")
	c.Optional("compose hash", &c.Policy.ComposeHash, hex.EncodeToString(measured), "another compose")
	if p.AppCompose == nil {
		c.Undecided("app-compose", hex.EncodeToString(measured), "none", "the evidence has no app-compose, so nothing says what else has the keys; add the guest agent's Info answer with --info")
		launcherImage(c, nil)
		return App{Image: p.Image}
	}
	if !isMeasured(c, p.AppCompose, measured) {
		return App{Image: p.Image}
	}
	result, err := p.Compose(ctx, p.AppCompose, compose.Expect{
		LauncherDigests: c.Policy.LauncherImageDigest.Texts(),
		Image:           p.Image,
		Allow:           c.Policy.AllowCompose.Texts(),
		Envs:            c.Policy.AllowedEnvs.Texts(), EnvsGiven: c.Policy.AllowedEnvs.Given(),
		ComposeHashes: c.Policy.ComposeHash.Texts(), DockerComposeSHA256: c.Policy.DockerComposeSHA256.Texts(),
		Environment: c.Policy.Environment.Texts(),
		System:      p.System.Kind,
	})
	if err != nil {
		c.NotAllowed("compose file", "an app-compose that can be judged", "", err.Error())
		return App{Hash: measured, Image: p.Image}
	}
	c.Optional("compose file", &c.Policy.DockerComposeSHA256, result.DockerComposeSHA256, "another compose file")
	settings(c, result)
	initScripts(c, result, p.Log)
	launcherImage(c, result)
	problems(c, result, p.Image)
	text := result.Config
	if inImage := p.Derived.judge(c, result.ImageDigest); text == nil {
		text = inImage
	}
	return App{measured, result, text, readConfig(c, result, text, p.Image), p.Image}
}

// isMeasured compares the app-compose with its event.
func isMeasured(c report.Check, appCompose, measured []byte) bool {
	const name = "app-compose"
	sum := sha256.Sum256(appCompose)
	found, want := hex.EncodeToString(sum[:]), hex.EncodeToString(measured)
	switch {
	case measured == nil:
		c.Undecided(name, "", found, "no attested compose-hash event to compare it with")
		return false
	case found == want:
		c.Pass(name, "is the measured one, "+found)
		return true
	}
	why := "this is not the app-compose that dstack measured"
	trimmed := sha256.Sum256([]byte(strings.TrimRight(string(appCompose), "\n")))
	if hex.EncodeToString(trimmed[:]) == want {
		why = "it has a newline at its end that the measured bytes lack; “jq -j” writes a string without one, “jq -r” adds it"
	}
	c.Invalid(name, want, found, why)
	return false
}

// launcherImage reports which service is the launcher's, and by which digest its image
// is named.
func launcherImage(c report.Check, r *compose.Result) {
	const name = "launcher image"
	want := &c.Policy.LauncherImageDigest
	switch {
	case r == nil && want.Given():
		c.Undecided(name, want.String(), "", "there is no compose that names it")
	case r == nil:
		c.Undecided(name, "", "", "no "+c.Policy.NameOf(want)+" is expected: nothing says which launcher ran")
	case r.Service == "":
		c.NotAllowed(name, want.String(), "none", r.NoService)
	case r.ByName:
		c.Undecided(name, "", fmt.Sprintf("service %s: %s", r.Service, r.Image), "no "+c.Policy.NameOf(want)+" is expected; the service was found by its image's name alone", report.Line("LAUNCHER_IMAGE_DIGEST", r.ImageDigest)...)
	default:
		c.Pass(name, fmt.Sprintf("service %s: %s", r.Service, r.Image))
	}
}

// problems reports what in the compose gives others the keys, and notes the rest.
func problems(c report.Check, r *compose.Result, image bool) {
	const name = "nothing else has the keys"
	denied, accepted := 0, 0
	for _, p := range r.Problems {
		f := report.Finding{Name: name, Outcome: report.NotAllowed, Expected: "not there", Found: p.Where + " " + p.What, Why: p.Why, Accept: p.Accept}
		switch {
		case p.Accepted:
			f.Outcome, f.Expected, f.Why = report.Note, "", "accepted by ALLOW_COMPOSE"
			c.Accept(p.Accept)
			accepted++
		case p.Open:
			f.Outcome, f.Expected, f.Settle = report.Undecided, "", lines(p.Settle)
			denied++
		default:
			denied++
		}
		c.Add(f)
	}
	if denied == 0 && r.Service != "" {
		found := "nothing but the launcher has the socket, the system or the launcher's volumes"
		if len(r.Attests) > 0 {
			found = "nothing but the launcher has the system or the launcher's volumes, and nothing but it and its attest (service " + strings.Join(r.Attests, ", ") + ") the socket"
		}
		if accepted > 0 {
			found = "nothing but the launcher and the exceptions above, which ALLOW_COMPOSE accepts"
		}
		if len(r.Others) > 0 {
			found += "; other services: " + strings.Join(r.Others, ", ")
		}
		c.Pass(name, found)
	}
	if len(r.Env) > 0 {
		why := "literal in the measured compose"
		if !image {
			why += ", and the workload gets it; some programs take code or sources from variables. COMPOSE_HASH, DOCKER_COMPOSE_SHA256 or ENVIRONMENT expects it"
		}
		c.Note("launcher's environment", strings.Join(r.Env, ", "), why)
	}
	if len(r.AllowedEnvs) > 0 {
		c.Note("allowed_envs", strings.Join(r.AllowedEnvs, ", "), "anyone who deploys chooses their values, unmeasured")
	}
	for _, note := range r.Notes {
		c.Note("app-compose", note, "")
	}
}

// lines returns those of the lines KEY=VALUE that can stand in a policy: a value may
// come from a stranger.
func lines(settle []string) (out []string) {
	for _, l := range settle {
		if key, value, ok := strings.Cut(l, "="); ok {
			out = append(out, report.Line(key, value)...)
		}
	}
	return out
}

// settings compares the app-compose's fields and the launcher's variables with the
// policy. All that it expects must be there.
func settings(c report.Check, r *compose.Result) {
	for _, want := range c.Policy.AppCompose.Values() {
		name := "app-compose's " + want.Name
		switch found, there := r.Fields[want.Name]; {
		case !there:
			c.NotAllowed(name, want.Value, "none", "the app-compose has no such field")
		case found == want.Value:
			c.Pass(name, found)
		default:
			c.NotAllowed(name, want.Value, found, "another value")
		}
	}
	for _, want := range c.Policy.Environment.Values() {
		if !slices.Contains(r.Env, want.String()) {
			c.NotAllowed("launcher's environment", want.String(), "none", "the launcher's service has no such literal variable, or another value in it")
		}
	}
}

// initScripts compares the init scripts with dstack's events for them, if dstack
// measured each by itself.
func initScripts(c report.Check, r *compose.Result, log boot.Log) {
	const name = "init scripts"
	measured := log.InitScripts()
	if len(measured) == 0 {
		return // dstack 0.5, or no script
	}
	same := slices.EqualFunc(measured, r.InitScripts, func(sum, script []byte) bool {
		want := sha256.Sum256(script)
		return string(sum) == string(want[:])
	})
	if same {
		c.Pass(name, "are those of their events")
		return
	}
	c.Invalid(name, fmt.Sprintf("%d, with these hashes", len(measured)), fmt.Sprintf("%d in the app-compose", len(r.InitScripts)), "dstack measured other init scripts than the app-compose has")
}

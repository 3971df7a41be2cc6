package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/verify/compose"
)

// app is what check D found out about the application.
type app struct {
	hash    []byte          // SHA-256 of the app-compose; nil unless it is the measured one
	compose *compose.Result // nil unless the app-compose was judged
	text    []byte          // the launcher's config, in the compose file or in a derived image; nil where it is in neither
	config  *config.Git     // the same, read
	image   bool            // image mode
}

// app is check D: the compose against its event, the launcher's service in it, and
// everything else in it.
func (j *judge) app(ctx context.Context, system booted, boot boot, launched launched) app {
	c := j.check("D")
	j.optional(c, "app id", &j.Policy.AppID, hex.EncodeToString(boot.payload("app-id")), "another application")
	measured := boot.payload("compose-hash")
	j.optional(c, "compose hash", &j.Policy.ComposeHash, hex.EncodeToString(measured), "another compose")
	if j.evidence.AppCompose == nil {
		c.undecided("app-compose", hex.EncodeToString(measured), "none", "the evidence has no app-compose, so nothing says what else has the keys; add the guest agent's Info answer with --info")
		j.launcherImage(c, nil)
		return app{}
	}
	if !j.measured(c, measured) {
		return app{}
	}
	image := j.imageMode(launched)
	result, err := j.Shared.compose(ctx, j.evidence.AppCompose, compose.Expect{
		LauncherDigests: j.Policy.LauncherImageDigest.Texts(),
		Image:           image,
		Allow:           j.Policy.AllowCompose.Texts(),
		Envs:            j.Policy.AllowedEnvs.Texts(), EnvsGiven: j.Policy.AllowedEnvs.Given(),
		ComposeHashes: j.Policy.ComposeHash.Texts(), DockerComposeSHA256: j.Policy.DockerComposeSHA256.Texts(),
		Environment: j.Policy.Environment.Texts(),
		System:      system.kind,
	})
	if err != nil {
		c.notAllowed("compose file", "an app-compose that can be judged", "", err.Error())
		return app{hash: measured}
	}
	j.optional(c, "compose file", &j.Policy.DockerComposeSHA256, result.DockerComposeSHA256, "another compose file")
	j.settings(c, result)
	initScripts(c, result, boot)
	j.launcherImage(c, result)
	problems(c, result, image)
	text := result.Config
	if inImage := j.derived(c, result.ImageDigest); text == nil {
		text = inImage
	}
	return app{measured, result, text, j.config(c, result, text, image), image}
}

// measured compares the app-compose with its event.
func (j *judge) measured(c check, measured []byte) bool {
	const name = "app-compose"
	sum := sha256.Sum256(j.evidence.AppCompose)
	found, want := hex.EncodeToString(sum[:]), hex.EncodeToString(measured)
	switch {
	case measured == nil:
		c.undecided(name, "", found, "no attested compose-hash event to hold it against")
		return false
	case found == want:
		c.pass(name, "is the measured one, "+found)
		return true
	}
	why := "this is not the app-compose that dstack measured"
	trimmed := sha256.Sum256([]byte(strings.TrimRight(string(j.evidence.AppCompose), "\n")))
	if hex.EncodeToString(trimmed[:]) == want {
		why = "it has a newline at its end that the measured bytes lack; “jq -j” writes a string without one, “jq -r” adds it"
	}
	c.invalid(name, want, found, why)
	return false
}

// launcherImage says which service is the launcher's and by which digest.
func (j *judge) launcherImage(c check, r *compose.Result) {
	const name = "launcher image"
	want := &j.Policy.LauncherImageDigest
	switch {
	case r == nil && want.Given():
		c.undecided(name, want.String(), "", "there is no compose that names it")
	case r == nil:
		c.undecided(name, "", "", "no "+j.Policy.NameOf(want)+" is expected: nothing says which launcher ran")
	case r.Service == "":
		c.notAllowed(name, want.String(), "none", r.NoService)
	case r.ByName:
		c.undecided(name, "", fmt.Sprintf("service %s: %s", r.Service, r.Image), "no "+j.Policy.NameOf(want)+" is expected; the service was found by its image's name alone", line("LAUNCHER_IMAGE_DIGEST", r.ImageDigest)...)
	default:
		c.pass(name, fmt.Sprintf("service %s: %s", r.Service, r.Image))
	}
}

// problems reports what the compose gives away, and the rest of it.
func problems(c check, r *compose.Result, image bool) {
	const name = "nothing else has the keys"
	denied, accepted := 0, 0
	for _, p := range r.Problems {
		f := Finding{Name: name, Outcome: NotAllowed, Expected: "not there", Found: p.Where + " " + p.What, Why: p.Why, Accept: p.Accept}
		switch {
		case p.Accepted:
			f.Outcome, f.Expected, f.Why = Note, "", "accepted by ALLOW_COMPOSE"
			c.accepted(p.Accept)
			accepted++
		case p.Open:
			f.Outcome, f.Expected, f.Settle = Undecided, "", lines(p.Settle)
			denied++
		default:
			denied++
		}
		c.add(f)
	}
	if denied == 0 && r.Service != "" {
		found := "nothing but the launcher has the socket, the system or the launcher's volumes"
		if accepted > 0 {
			found = "nothing but the launcher and the exceptions above, which ALLOW_COMPOSE accepts"
		}
		if len(r.Others) > 0 {
			found += "; other services: " + strings.Join(r.Others, ", ")
		}
		c.pass(name, found)
	}
	if len(r.Env) > 0 {
		why := "literal in the measured compose"
		if !image {
			why += ", and the workload gets it; some programs take code or sources from variables. COMPOSE_HASH, DOCKER_COMPOSE_SHA256 or ENVIRONMENT expects it"
		}
		c.note("launcher's environment", strings.Join(r.Env, ", "), why)
	}
	if len(r.AllowedEnvs) > 0 {
		c.note("allowed_envs", strings.Join(r.AllowedEnvs, ", "), "anyone who deploys chooses their values, unmeasured")
	}
	for _, note := range r.Notes {
		c.note("app-compose", note, "")
	}
}

// lines are those of KEY=VALUE that can stand in a policy: a value may come from a
// stranger.
func lines(settle []string) (out []string) {
	for _, l := range settle {
		if key, value, ok := strings.Cut(l, "="); ok {
			out = append(out, line(key, value)...)
		}
	}
	return out
}

// settings holds the app-compose's fields and the launcher's variables against what is
// expected of them: all of it must be there.
func (j *judge) settings(c check, r *compose.Result) {
	for _, want := range j.Policy.AppCompose.Values() {
		name := "app-compose's " + want.Name
		switch found, there := r.Fields[want.Name]; {
		case !there:
			c.notAllowed(name, want.Value, "none", "the app-compose has no such field")
		case found == want.Value:
			c.pass(name, found)
		default:
			c.notAllowed(name, want.Value, found, "another value")
		}
	}
	for _, want := range j.Policy.Environment.Values() {
		if !slices.Contains(r.Env, want.String()) {
			c.notAllowed("launcher's environment", want.String(), "none", "the launcher's service has no such literal variable, or another value in it")
		}
	}
}

// initScripts compares the init scripts with dstack's events for them, where it
// measures each by itself.
func initScripts(c check, r *compose.Result, boot boot) {
	const name = "init scripts"
	var measured [][]byte
	for _, e := range boot.events[:len(boot.events)-len(boot.after)] {
		if e.Name == "init-script-hash" {
			measured = append(measured, e.Payload)
		}
	}
	if len(measured) == 0 {
		return // dstack 0.5, or no script
	}
	same := slices.EqualFunc(measured, r.InitScripts, func(sum, script []byte) bool {
		want := sha256.Sum256(script)
		return string(sum) == string(want[:])
	})
	if same {
		c.pass(name, "are those of their events")
		return
	}
	c.invalid(name, fmt.Sprintf("%d, with these hashes", len(measured)), fmt.Sprintf("%d in the app-compose", len(r.InitScripts)), "dstack measured other init scripts than the app-compose has")
}

package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"gitlauncher/config"
	"gitlauncher/verify/compose"
)

// composes is check D: the compose against its event, the launcher's service in
// it, and everything else in it.
func (j *judgement) composes(ctx context.Context) {
	j.optional("D", "app id", "APP_ID", hex.EncodeToString(j.payload("app-id")), "another application")
	j.optional("D", "OS image hash (dstack's word)", "OS_IMAGE_HASH", j.osImageHash(), "another OS image, by dstack's own word; the registers of check B are what proves it")
	measured := j.payload("compose-hash")
	j.optional("D", "compose hash", "COMPOSE_HASH", hex.EncodeToString(measured), "another compose")
	if j.evidence.AppCompose == nil {
		j.mrConfigID(nil)
		j.add("D", "app-compose", Undecided, hex.EncodeToString(measured), "none", "the evidence has no app-compose, so nothing says what else has the keys; add the guest agent's Info answer with --info")
		j.launcherImage()
		return
	}
	if !j.composeMeasured(measured) {
		return
	}
	j.mrConfigID(measured)
	result, err := j.Shared.compose(ctx, j.evidence.AppCompose, compose.Expect{
		LauncherDigests: j.Policy.Of("LAUNCHER_IMAGE_DIGEST"),
		Image:           j.imageMode(),
		Allow:           j.Policy.Of("ALLOW_COMPOSE"),
		Envs:            j.Policy.Of("ALLOWED_ENVS"), EnvsGiven: j.Policy.Expects("ALLOWED_ENVS"),
	})
	if err != nil {
		j.add("D", "compose file", NotAllowed, "an app-compose that can be judged", "", err.Error())
		return
	}
	j.compose = result
	j.launcherImage()
	j.problems()
	j.config()
}

// composeMeasured compares the compose with its event.
func (j *judgement) composeMeasured(measured []byte) bool {
	const name = "app-compose"
	sum := sha256.Sum256(j.evidence.AppCompose)
	found, want := hex.EncodeToString(sum[:]), hex.EncodeToString(measured)
	switch {
	case measured == nil:
		j.add("D", name, Undecided, "", found, "no attested compose-hash event to hold it against")
		return false
	case found == want:
		j.add("D", name, Pass, "", "is the measured one, "+found, "")
		return true
	}
	why := "this is not the app-compose that dstack measured"
	trimmed := sha256.Sum256([]byte(strings.TrimRight(string(j.evidence.AppCompose), "\n")))
	if hex.EncodeToString(trimmed[:]) == want {
		why = "it has a newline at its end that the measured bytes lack; “jq -j” writes a string without one, “jq -r” adds it"
	}
	j.add("D", name, Invalid, want, found, why)
	return false
}

// optional judges a value that need not be expected.
func (j *judgement) optional(check, name, key, found, other string) {
	switch {
	case !j.Policy.Expects(key):
	case found == "":
		j.add(check, name, Undecided, j.Policy.expected(key), "", "the evidence does not say")
	case j.Policy.match(key, found):
		j.add(check, name, Pass, "", found, "")
	default:
		j.add(check, name, NotAllowed, j.Policy.expected(key), found, other)
	}
}

func (j *judgement) osImageHash() string {
	if p := j.payload("os-image-hash"); p != nil {
		return hex.EncodeToString(p)
	}
	return strings.ToLower(j.evidence.Claims.OSImageHash)
}

// launcherImage says which service is the launcher's and by which digest.
func (j *judgement) launcherImage() {
	const name, key = "launcher image", "LAUNCHER_IMAGE_DIGEST"
	c := j.compose
	switch {
	case c == nil && j.Policy.Expects(key):
		j.add("D", name, Undecided, j.Policy.expected(key), "", "there is no compose that names it")
	case c == nil:
		j.add("D", name, Undecided, "", "", "no "+key+" is expected: nothing says which launcher ran")
	case c.Service == "":
		j.add("D", name, NotAllowed, j.Policy.expected(key), "none", c.NoService)
	case c.ByName:
		j.add("D", name, Undecided, "", fmt.Sprintf("service %s: %s", c.Service, c.Image), "no "+key+" is expected; the service was found by its image's name alone")
	default:
		j.add("D", name, Pass, "", fmt.Sprintf("service %s: %s", c.Service, c.Image), "")
	}
}

// problems reports what the compose gives away, and the rest of it.
func (j *judgement) problems() {
	denied, accepted := 0, 0
	for _, p := range j.compose.Problems {
		f := Finding{Check: "D", Name: "nothing else has the keys", Expected: "not there", Found: p.Where + " " + p.What, Why: p.Why, Accept: p.Accept, Outcome: NotAllowed}
		if p.Accepted {
			f.Outcome, f.Expected, f.Why = Note, "", "accepted by ALLOW_COMPOSE="+p.Accept
			accepted++
		} else {
			denied++
		}
		j.Findings = append(j.Findings, f)
	}
	if denied == 0 && j.compose.Service != "" {
		found := "nothing but the launcher has the socket, the system or the launcher's volumes"
		if accepted > 0 {
			found = "nothing but the launcher and the exceptions above, which ALLOW_COMPOSE accepts"
		}
		if len(j.compose.Others) > 0 {
			found += "; other services: " + strings.Join(j.compose.Others, ", ")
		}
		j.add("D", "nothing else has the keys", Pass, "", found, "")
	}
	if len(j.compose.Env) > 0 {
		why := "literal in the measured compose"
		if !j.imageMode() {
			why += ", and the workload gets it; some programs take code or sources from variables. COMPOSE_HASH pins it"
		}
		j.add("D", "launcher's environment", Note, "", strings.Join(j.compose.Env, ", "), why)
	}
	if len(j.compose.AllowedEnvs) > 0 {
		j.add("D", "allowed_envs", Note, "", strings.Join(j.compose.AllowedEnvs, ", "), "whoever deploys chooses their values, unmeasured")
	}
	for _, note := range j.compose.Notes {
		j.add("D", "app-compose", Note, "", note, "")
	}
}

// config reads the inline config with the launcher's own grammar.
func (j *judgement) config() {
	const name = "launcher's config"
	if j.compose.Service == "" {
		return
	}
	if j.compose.Config == nil {
		if !j.imageMode() && !j.Policy.Expects("CONFIG_SHA256") {
			j.add("D", name, Note, "", "not in the compose", "a derived image brings its own; the launch record says what it was, and CONFIG_SHA256 can expect it")
		}
		return
	}
	if _, err := config.ParseGit(config.DefaultFile, j.compose.Config); err != nil {
		j.add("D", name, NotAllowed, "a config that the launcher takes", "", err.Error())
		return
	}
	j.add("D", name, Pass, "", "inline in the measured compose", "")
}

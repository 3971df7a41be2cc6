package verify

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/measure"
	"gitlauncher/policy"
)

// imageMode reports whether the launch is image mode's, or is expected to be where
// nothing was launched.
func (j *judge) imageMode(l launched) bool {
	if len(l.records) == 0 {
		return j.Policy.ImageDigest.Given()
	}
	return !slices.ContainsFunc(l.records, func(r record) bool { return r.git != nil })
}

// launches is check E: the set of launches must be within what is expected. Where the
// register has none, the measured compose may say what alone can be launched.
func (j *judge) launches(boot boot, launched launched, app app) {
	c := j.check("E")
	if len(launched.records) == 0 {
		j.noRecord(c, boot, app)
		return
	}
	digests := 0
	for i, r := range launched.records {
		if i == maxLaunches {
			c.notAllowed("launch events", fmt.Sprintf("at most %d launches in a boot", maxLaunches), fmt.Sprint(len(launched.records)), "the rest was not judged")
			break
		}
		if r.git != nil {
			j.gitLaunch(c, r.git, app, measure.Recorded)
			sameConfig(c, r.git, app)
			continue
		}
		digests++
		j.imageLaunch(c, r, boot)
	}
	if digests > 1 {
		c.notAllowed("one image a boot", "one", fmt.Sprint(digests), "the image changed without a reboot of the VM")
	}
}

// link judges what every launch needs an expectation for. A launch of the kind that
// the policy does not expect is refused where it expects the other.
func (j *judge) link(c check, name string, want, other policy.Expectation, found string) {
	if !want.Given() && other.Given() {
		c.notAllowed(name, "no launch but of "+j.Policy.NameOf(other), found, "something else than the expected was launched in this boot, too")
		return
	}
	j.expect(c, name, want, found, "something else than the expected was launched in this boot", "nothing says which launch is the right one")
}

// gitLaunch judges one launch of git mode: by its record, or by what the measured config
// says of the only one that there can be.
func (j *judge) gitLaunch(c check, g *measure.GitRecord, app app, binding measure.Binding) {
	p := j.Policy
	j.link(c, "commit", &p.CommitSHA, &p.ImageDigest, g.Commit)
	j.optional(c, "repository", &p.RepoURL, g.RepoURL, "another repository")
	if binding == measure.Pinned && g.Tree == "" && p.Tree.Given() {
		c.note("tree", p.Tree.String(), "it follows from the commit, and no record says it")
	} else {
		j.optional(c, "tree", &p.Tree, g.Tree, "another tree")
	}
	j.said(c, "content", &p.ContentSHA256, g.ContentSHA256, "other content", binding)
	j.optional(c, "config hash", &p.ConfigSHA256, g.ConfigSHA256, "another config")
	hashed := j.configExpected(app.compose)
	entry := func(name string, want policy.Expectation, found, byDefault string) {
		j.entry(c, name, want, found, byDefault, hashed)
	}
	entry("sub-directory", &p.RepoSubdir, g.Subdir, "")
	if g.Advanced {
		entry("run command", &p.RunCmd, g.RunCmd, "")
		entry("install command", &p.InstallCmd, g.InstallCmd, "")
		instead(c, "entry script", &p.EntrypointScript, "a command: "+g.RunCmd, "a command was run instead of the script")
		instead(c, "entry script's bytes", &p.EntrypointSHA256, "a command: "+g.RunCmd, "a command was run instead of the script")
	} else {
		entry("entry script", &p.EntrypointScript, g.Entrypoint, config.DefaultScript)
		j.said(c, "entry script's bytes", &p.EntrypointSHA256, g.EntrypointSHA256, "another script", binding)
		instead(c, "run command", &p.RunCmd, "the script "+g.Entrypoint, "a script was run instead of the command")
		if !p.InstallCmd.Allows("") {
			instead(c, "install command", &p.InstallCmd, "the script "+g.Entrypoint, "a script was run, and no command before it")
		}
	}
	if j.Checkout != nil {
		j.Checkout.same(c, g)
	}
}

// said compares what a record says and a config need not say.
func (j *judge) said(c check, name string, want policy.Expectation, found, other string, binding measure.Binding) {
	if binding == measure.Pinned && found == "" && want.Given() {
		c.undecided(name, want.String(), "", "the measured config has no "+j.Policy.NameOf(want)+", and without a record the commit's id alone says what that is; put it into the config, or give a clone with --checkout")
		return
	}
	j.optional(c, name, want, found, other)
}

// instead refuses a launch in default mode where advanced mode is expected, and the
// other way round.
func instead(c check, name string, want policy.Expectation, found, why string) {
	if want.Given() {
		c.notAllowed(name, want.String(), found, why)
	}
}

// entry judges what of the commit ran. What differs from the launcher's default
// needs an expectation, since the commit alone does not say it. hashed says that the
// policy knows the config by a hash.
func (j *judge) entry(c check, name string, want policy.Expectation, found, byDefault string, hashed bool) {
	switch {
	case want.Given() && !want.Allows(found):
		c.notAllowed(name, want.String(), show(found), "something else of the commit was run")
	case want.Given() || found == byDefault || hashed:
		c.pass(name, show(found))
	default:
		c.undecided(name, "", show(found), "no "+j.Policy.NameOf(want)+" is expected, and the commit alone does not say it; CONFIG_SHA256 or COMPOSE_HASH would do, too")
	}
}

func show(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// sameConfig holds the record against the config in the compose: its hash, and each field
// that comes from it. Anyone who reaches the socket can write a record, and so give the
// right hash beside other fields.
func sameConfig(c check, g *measure.GitRecord, app app) {
	const name = "config of the compose"
	if app.text == nil {
		return
	}
	if want := sum(app.text); g.ConfigSHA256 != want {
		c.notAllowed(name, want, g.ConfigSHA256, "the launch used another config than the one in the measured compose")
		return
	}
	if app.config == nil {
		return // check D has said why
	}
	wrong := differences(Planned(app.config, app.text), g)
	if len(wrong) > 0 {
		c.notAllowed(name, "what the config says", "another "+strings.Join(wrong, ", another "), "the launcher writes into its record what the config says, so it did not write this one")
		return
	}
	c.pass(name, "is the one of the launch")
}

// differences names the parts in which a record is not that of the planned launch. What
// the plan does not say is not compared.
func differences(planned, g *measure.GitRecord) (wrong []string) {
	for _, field := range []struct{ name, want, found string }{
		{"config", planned.ConfigSHA256, g.ConfigSHA256}, {"repository", planned.RepoURL, g.RepoURL}, {"commit", planned.Commit, g.Commit},
		{"sub-directory", planned.Subdir, g.Subdir}, {"entry script", planned.Entrypoint, g.Entrypoint},
		{"run command", planned.RunCmd, g.RunCmd}, {"install command", planned.InstallCmd, g.InstallCmd},
		{"content", cmp.Or(planned.ContentSHA256, g.ContentSHA256), g.ContentSHA256},
		{"entry script's bytes", cmp.Or(planned.EntrypointSHA256, g.EntrypointSHA256), g.EntrypointSHA256},
	} {
		if field.want != field.found {
			wrong = append(wrong, field.name)
		}
	}
	return wrong
}

// imageLaunch judges one launch of image mode.
func (j *judge) imageLaunch(c check, r record, boot boot) {
	p := j.Policy
	j.link(c, "image", &p.ImageDigest, &p.CommitSHA, r.digest)
	if r.image == nil {
		j.optional(c, "config hash", &p.ConfigSHA256, "", "")
		c.note("launch record", "none", "this is evidence of the present MPC launcher, which measures the digest alone; it is judged by that")
	} else {
		j.optional(c, "config hash", &p.ConfigSHA256, r.image.ConfigSHA256, "another user config")
		c.note("container", fmt.Sprintf("%s (%s), manifest %s", r.image.Image, r.image.Platform, r.image.ManifestDigest), "")
	}
	if !p.ConfigSHA256.Given() {
		c.note("user config", "not judged", "anyone who deploys writes it: the node's settings, its ports, and variables. CONFIG_SHA256 can expect it where there is a launch record")
	}
	if !p.CommitSHA.Given() {
		for _, want := range []policy.Expectation{&p.RepoURL, &p.RepoSubdir, &p.EntrypointScript, &p.RunCmd, &p.InstallCmd, &p.Tree, &p.ContentSHA256, &p.EntrypointSHA256} {
			if want.Given() {
				c.undecided(p.NameOf(want), want.String(), "", "an image was launched; only a launch of a commit has this")
			}
		}
	}
	if j.Checkout != nil {
		c.undecided("clone", "a commit", r.digest, "an image was launched, and --checkout has nothing to hold it against")
	}
	for _, e := range boot.events {
		if (e.Name == measure.EventImageDigest || e.Name == "compose-hash" || e.Name == "key-provider") && e.Version != 1 {
			c.note("log version", fmt.Sprintf("%s is of version %d", e.Name, e.Version), "NEAR's contract takes version 1 alone")
		}
	}
}

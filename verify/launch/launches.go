package launch

import (
	"cmp"
	"fmt"
	"strings"

	"gitlauncher/config"
	"gitlauncher/internal/digest"
	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/app"
	"gitlauncher/verify/boot"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/report"
)

// Params is what check E looks at, beside the policy.
type Params struct {
	Evidence *evidence.Evidence
	Log      boot.Log
	Records  boot.Records // those of the log
	App      app.App
	Checkout *Checkout // nil: not asked
}

// Judge is check E: the set of launches must be within what is expected. If the
// register has none, the measured compose may still leave only one thing to launch.
func (p Params) Judge(c report.Check) {
	if len(p.Records) == 0 {
		p.noRecord(c)
		return
	}
	either(c)
	digests := 0
	for i, r := range p.Records {
		if i == boot.MaxLaunches {
			c.NotAllowed("launch events", fmt.Sprintf("at most %d launches in a boot", boot.MaxLaunches), fmt.Sprint(len(p.Records)), "the rest was not judged")
			break
		}
		if r.Git != nil {
			p.gitLaunch(c, r.Git, measure.Recorded)
			sameConfig(c, r.Git, p.App)
			continue
		}
		digests++
		p.imageLaunch(c, r)
	}
	if digests > 1 {
		c.NotAllowed("one image a boot", "one", fmt.Sprint(digests), "the image changed without a reboot of the VM")
	}
}

// either notes what a policy that expects both kinds of launches means. A fleet may
// have one policy for both.
func either(c report.Check) {
	if c.Policy.CommitSHA.Given() && c.Policy.ImageDigest.Given() {
		c.Note("launch", "a commit of COMMIT_SHA, or an image of IMAGE_DIGEST", "the policy expects both: either kind of launch passes")
	}
}

// link judges the commit or the image, of which every launch needs an expectation. If
// the policy expects only the other kind, the launch is refused.
func link(c report.Check, name string, want, other policy.Expectation, found string) {
	if !want.Given() && other.Given() {
		c.NotAllowed(name, "no launch but of "+c.Policy.NameOf(other), found, "something else than the expected was launched in this boot, too")
		return
	}
	c.Expect(name, want, found, "something else than the expected was launched in this boot", "nothing says which launch is the right one")
}

// gitLaunch judges one launch of git mode. If it is pinned, g is the record that it
// would have by the measured config.
func (p Params) gitLaunch(c report.Check, g *measure.GitRecord, binding measure.Binding) {
	by := c.Policy
	link(c, "commit", &by.CommitSHA, &by.ImageDigest, g.Commit)
	c.Optional("repository", &by.RepoURL, g.RepoURL, "another repository")
	if binding == measure.Pinned && g.Tree == "" && by.Tree.Given() {
		c.Note("tree", by.Tree.String(), "it follows from the commit, and no record says it")
	} else {
		c.Optional("tree", &by.Tree, g.Tree, "another tree")
	}
	said(c, "content", &by.ContentSHA256, g.ContentSHA256, "other content", binding)
	c.Optional("config hash", &by.ConfigSHA256, g.ConfigSHA256, "another config")
	hashed := p.App.ConfigExpected(by)
	entry := func(name string, want policy.Expectation, found, byDefault string) {
		judgeEntry(c, name, want, found, byDefault, hashed)
	}
	entry("sub-directory", &by.RepoSubdir, g.Subdir, "")
	if g.Advanced {
		entry("run command", &by.RunCmd, g.RunCmd, "")
		entry("install command", &by.InstallCmd, g.InstallCmd, "")
		instead(c, "entry script", &by.EntrypointScript, "a command: "+g.RunCmd, "a command was run instead of the script")
		instead(c, "entry script's bytes", &by.EntrypointSHA256, "a command: "+g.RunCmd, "a command was run instead of the script")
	} else {
		entry("entry script", &by.EntrypointScript, g.Entrypoint, config.DefaultScript)
		said(c, "entry script's bytes", &by.EntrypointSHA256, g.EntrypointSHA256, "another script", binding)
		instead(c, "run command", &by.RunCmd, "the script "+g.Entrypoint, "a script was run instead of the command")
		if !by.InstallCmd.Allows("") {
			instead(c, "install command", &by.InstallCmd, "the script "+g.Entrypoint, "a script was run, and no command before it")
		}
	}
	switch {
	case len(g.Submodules) > 0:
		c.Note("submodules", lines(g.Submodules), "placed beyond the commit's own tree, which pins them; CONTENT_SHA256 covers their bytes")
	case binding == measure.Pinned && p.App.Config.Submodules:
		c.Note("submodules", "all that the commit pins", "SUBMODULES=recursive; CONTENT_SHA256 covers their bytes")
	}
	if p.Checkout != nil {
		p.Checkout.compare(c, g)
	}
}

// said judges a value that every record has and a config may leave out.
func said(c report.Check, name string, want policy.Expectation, found, other string, binding measure.Binding) {
	if binding == measure.Pinned && found == "" && want.Given() {
		c.Undecided(name, want.String(), "", "the measured config has no "+c.Policy.NameOf(want)+", and without a record the commit's id alone says what that is; put it into the config, or give a clone with --checkout")
		return
	}
	c.Optional(name, want, found, other)
}

// instead refuses a launch in default mode where advanced mode is expected, and the
// other way round.
func instead(c report.Check, name string, want policy.Expectation, found, why string) {
	if want.Given() {
		c.NotAllowed(name, want.String(), found, why)
	}
}

// judgeEntry judges which part of the commit ran. What differs from the launcher's
// default needs an expectation, since the commit alone does not say it. hashed says
// that the policy knows the config by a hash.
func judgeEntry(c report.Check, name string, want policy.Expectation, found, byDefault string, hashed bool) {
	switch {
	case want.Given() && !want.Allows(found):
		c.NotAllowed(name, want.String(), show(found), "something else of the commit was run")
	case want.Given() || found == byDefault || hashed:
		c.Pass(name, show(found))
	default:
		c.Undecided(name, "", show(found), "no "+c.Policy.NameOf(want)+" is expected, and the commit alone does not say it; CONFIG_SHA256 or COMPOSE_HASH would do, too")
	}
}

func show(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// sameConfig compares the record with the config in the compose: its hash, and each
// field that comes from it. Anyone who reaches the socket can write a record, even one
// with the right hash and other fields.
func sameConfig(c report.Check, g *measure.GitRecord, a app.App) {
	const name = "config of the compose"
	if a.Text == nil {
		return
	}
	if want := digest.Of(a.Text).Hex(); g.ConfigSHA256 != want {
		c.NotAllowed(name, want, g.ConfigSHA256, "the launch used another config than the one in the measured compose")
		return
	}
	if a.Config == nil {
		return // check D has said why
	}
	wrong := append(differences(Planned(a.Config, a.Text), g), beyond(a.Config, g)...)
	if len(wrong) > 0 {
		c.NotAllowed(name, "what the config says", "another "+strings.Join(wrong, ", another "), "the launcher writes into its record what the config says, so it did not write this one")
		return
	}
	c.Pass(name, "is the one of the launch")
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

// beyond names what was placed beyond the tree by a record, though the config does not
// ask for it.
func beyond(cfg *config.Git, g *measure.GitRecord) (wrong []string) {
	if len(g.Submodules) > 0 && !cfg.Submodules {
		wrong = append(wrong, "set of submodules")
	}
	if g.LFSSHA256 != "" && !cfg.LFS {
		wrong = append(wrong, "set of Git LFS files")
	}
	return wrong
}

// imageLaunch judges one launch of image mode.
func (p Params) imageLaunch(c report.Check, r boot.Record) {
	by := c.Policy
	link(c, "image", &by.ImageDigest, &by.CommitSHA, r.Digest)
	if r.Image == nil {
		c.Optional("config hash", &by.ConfigSHA256, "", "")
		c.Note("launch record", "none", "this is evidence of the present MPC launcher, which measures the digest alone; it is judged by that")
	} else {
		c.Optional("config hash", &by.ConfigSHA256, r.Image.ConfigSHA256, "another user config")
		c.Note("container", fmt.Sprintf("%s (%s), manifest %s", r.Image.Image, r.Image.Platform, r.Image.ManifestDigest), "")
	}
	if !by.ConfigSHA256.Given() {
		c.Note("user config", "not judged", "anyone who deploys writes it: the node's settings, its ports, and variables. CONFIG_SHA256 can expect it where there is a launch record")
	}
	if !by.CommitSHA.Given() {
		for _, want := range []policy.Expectation{&by.RepoURL, &by.RepoSubdir, &by.EntrypointScript, &by.RunCmd, &by.InstallCmd, &by.Tree, &by.ContentSHA256, &by.EntrypointSHA256} {
			if want.Given() {
				c.Undecided(by.NameOf(want), want.String(), "", "an image was launched; only a launch of a commit has this")
			}
		}
	}
	if p.Checkout != nil {
		c.Undecided("clone", "a commit", r.Digest, "an image was launched, and --checkout has nothing to compare it with")
	}
	for _, e := range p.Log.Events {
		if (e.Name == measure.EventImageDigest || e.Name == "compose-hash" || e.Name == "key-provider") && e.Version != 1 {
			c.Note("log version", fmt.Sprintf("%s is of version %d", e.Name, e.Version), "NEAR's contract takes version 1 alone")
		}
	}
}

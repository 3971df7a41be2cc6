package launch

import (
	"fmt"
	"path"
	"strings"

	"gitlauncher/config"
	"gitlauncher/internal/digest"
	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/report"
)

// pins reports whether the measured compose leaves one thing to launch. Check D has
// compared it with dstack's own event, so any quote of the boot will do, even one from
// before the launch. A config in a derived image counts if the policy expects its hash.
func (p Params) pins(by *policy.Policy) bool {
	switch a := p.App; {
	case a.Compose == nil:
		return false
	case a.Image:
		return a.Compose.Pinned
	case a.Compose.PinnedByImage:
		return a.Config != nil && by.ConfigSHA256.Given()
	}
	return p.App.Compose.Pinned && p.App.Config != nil
}

// noRecord judges a log without a launch: the launch is pinned, or nothing is known of it.
func (p Params) noRecord(c report.Check) {
	const name = "launch"
	if p.pins(c.Policy) && !c.Policy.Launch.Given() {
		p.pinnedLaunch(c)
		return
	}
	want := strings.TrimSpace(c.Policy.CommitSHA.String() + " " + c.Policy.ImageDigest.String())
	why := ""
	switch {
	case p.pins(c.Policy):
		why = "; it is pinned, which LAUNCH=recorded does not accept"
	case p.App.Compose != nil:
		why = "; nor is it pinned: " + strings.Join(p.App.Compose.Unpinned, "; ")
	}
	switch {
	case p.Log.Prefix:
		c.Undecided(name, want, "none", "the quote was taken before anything was launched; ask for a launch receipt"+why)
	case p.Evidence.AppCompose == nil && !c.Policy.Launch.Given():
		c.Undecided(name, want, "none", "the attested log has no launch, and without the app-compose nobody sees whether it is pinned; add the guest agent's Info answer with --info")
	case p.App.Compose != nil && p.App.Compose.PinOpen && !c.Policy.Launch.Given():
		c.Undecided(name, want, "none", "the attested log has no launch. It is pinned once the policy settles what check D leaves open of the launcher's service")
	case want != "" && len(p.Log.Events) > 0:
		c.NotAllowed(name, want, "none", "nothing was launched by the launcher in this boot, by its record"+why)
	default:
		c.Undecided(name, want, "none", "the attested log has no launch"+why)
	}
}

// pinnedLaunch judges the only launch that the measured compose leaves.
func (p Params) pinnedLaunch(c report.Check) {
	const name, why = "launch", "pinned: the measured compose leaves nothing else to launch. That it was launched in this boot, only a record says"
	if p.App.Image {
		digest := p.App.Compose.DefaultImageDigest
		c.Launched(report.Launch{Mode: "image", Binding: measure.Pinned, Image: digest})
		c.Pass(name, why)
		link(c, "image", &c.Policy.ImageDigest, &c.Policy.CommitSHA, digest)
		c.Optional("config hash", &c.Policy.ConfigSHA256, "", "")
		c.Note("user config", "not judged", "anyone who deploys writes it: the node's settings, its ports, and variables")
		return
	}
	g := p.plannedWithClone()
	c.Launched(report.Launch{Mode: "git", Binding: measure.Pinned, Commit: g.Commit, Repo: g.RepoURL})
	c.Pass(name, why)
	p.gitLaunch(c, g, measure.Pinned)
}

// plannedWithClone returns the record that a launch by the measured config would have,
// as far as the config and a local clone of its commit say it.
func (p Params) plannedWithClone() *measure.GitRecord {
	g := Planned(p.App.Config, p.App.Text)
	clone := p.Checkout
	if clone == nil || clone.Commit != g.Commit {
		return g
	}
	g.Tree = clone.Tree
	if p.App.Config.Submodules || p.App.Config.LFS {
		whole, err := clone.Placed(measure.Beyond{Recursive: p.App.Config.Submodules, LFS: p.App.Config.LFS})
		if err != nil {
			return g
		}
		g.Submodules, g.LFSSHA256, clone = whole.Submodules, whole.LFSSHA256, whole
	}
	if g.ContentSHA256 == "" {
		g.ContentSHA256 = clone.ContentSHA256
	}
	if sum, err := clone.EntrySHA256(path.Join(g.Subdir, g.Entrypoint)); err == nil && !g.Advanced && g.EntrypointSHA256 == "" {
		g.EntrypointSHA256 = sum
	}
	return g
}

// samePlan compares a receipt's record with the launch that the compose pins. Such a
// record proves nothing, since anyone who reaches the socket can write one. But the
// launcher did not write one that says something else.
func (p Params) samePlan(record string) error {
	if p.App.Image {
		r, err := measure.ParseImageRecord([]byte(record))
		if err != nil {
			return err
		}
		if r.ApprovedDigest != p.App.Compose.DefaultImageDigest {
			return fmt.Errorf("it says %s, and the compose can launch %s alone", r.ApprovedDigest, p.App.Compose.DefaultImageDigest)
		}
		return nil
	}
	r, err := measure.ParseGitRecord([]byte(record))
	if err != nil {
		return err
	}
	if wrong := append(differences(Planned(p.App.Config, p.App.Text), r), beyond(p.App.Config, r)...); len(wrong) > 0 {
		return fmt.Errorf("it says another %s than the measured config", strings.Join(wrong, ", another "))
	}
	return nil
}

// Planned returns the record that a launch by a config would have, as far as the config
// says it: without the launcher's version and the tree, and without the hashes that the
// config lacks. text is the config's bytes.
func Planned(cfg *config.Git, text []byte) *measure.GitRecord {
	g := &measure.GitRecord{ConfigSHA256: digest.Of(text).Hex(), RepoURL: cfg.Repo.String(), Commit: cfg.Commit.String(), Subdir: cfg.Subdir.String()}
	if !cfg.ContentSHA256.IsZero() {
		g.ContentSHA256 = cfg.ContentSHA256.Hex()
	}
	if cfg.Advanced != nil {
		g.Advanced, g.RunCmd, g.InstallCmd = true, cfg.Advanced.RunCmd, cfg.Advanced.InstallCmd
		return g
	}
	g.Entrypoint = cfg.Script.String()
	if !cfg.EntrypointSHA256.IsZero() {
		g.EntrypointSHA256 = cfg.EntrypointSHA256.Hex()
	}
	return g
}

package verify

import (
	"fmt"
	"path"
	"strings"

	"gitlauncher/config"
	"gitlauncher/measure"
)

// pins reports whether what is measured leaves one thing to launch. The compose was held
// against dstack's own event, so that any quote of the boot will do, also one that was
// taken before the launch. A config in a derived image counts where the policy knows it.
func (j *judge) pins(a app) bool {
	switch {
	case a.compose == nil:
		return false
	case a.image:
		return a.compose.Pinned
	case a.compose.PinnedByImage:
		return a.config != nil && j.Policy.ConfigSHA256.Given()
	}
	return a.compose.Pinned && a.config != nil
}

// noRecord judges a log without a launch: the launch is pinned, or nothing is known of it.
func (j *judge) noRecord(c check, boot boot, app app) {
	const name = "launch"
	if j.pins(app) && !j.Policy.Launch.Given() {
		j.pinnedLaunch(c, app)
		return
	}
	want := strings.TrimSpace(j.Policy.CommitSHA.String() + " " + j.Policy.ImageDigest.String())
	why := ""
	switch {
	case j.pins(app):
		why = "; it is pinned, which LAUNCH=recorded does not accept"
	case app.compose != nil:
		why = "; nor is it pinned: " + strings.Join(app.compose.Unpinned, "; ")
	}
	switch {
	case boot.prefix:
		c.undecided(name, want, "none", "the quote was taken before anything was launched; ask for a launch receipt"+why)
	case j.evidence.AppCompose == nil && !j.Policy.Launch.Given():
		c.undecided(name, want, "none", "the attested log has no launch, and without the app-compose nobody sees whether it is pinned; add the guest agent's Info answer with --info")
	case want != "" && len(boot.events) > 0:
		c.notAllowed(name, want, "none", "nothing was launched by the launcher in this boot, by its record"+why)
	default:
		c.undecided(name, want, "none", "the attested log has no launch"+why)
	}
}

// pinnedLaunch judges the only launch that the measured compose leaves.
func (j *judge) pinnedLaunch(c check, app app) {
	const name, why = "launch", "pinned: the measured compose leaves nothing else to launch. That it was launched in this boot, only a record says"
	if app.image {
		digest := app.compose.DefaultImageDigest
		j.Launches = append(j.Launches, Launch{Mode: "image", Binding: measure.Pinned, Image: digest})
		c.pass(name, why)
		j.link(c, "image", &j.Policy.ImageDigest, &j.Policy.CommitSHA, digest)
		j.optional(c, "config hash", &j.Policy.ConfigSHA256, "", "")
		c.note("user config", "not judged", "anyone who deploys writes it: the node's settings, its ports, and variables")
		return
	}
	g := j.planned(app)
	j.Launches = append(j.Launches, Launch{Mode: "git", Binding: measure.Pinned, Commit: g.Commit, Repo: g.RepoURL})
	c.pass(name, why)
	j.gitLaunch(c, g, app, measure.Pinned)
}

// planned is the record that a launch by the measured config would have: as far as the
// config says it, and a local clone of its commit.
func (j *judge) planned(app app) *measure.GitRecord {
	g := Planned(app.config, app.text)
	clone := j.Checkout
	if clone == nil || clone.Commit != g.Commit {
		return g
	}
	g.Tree = clone.Tree
	if g.ContentSHA256 == "" {
		g.ContentSHA256 = clone.ContentSHA256
	}
	if sum, err := clone.EntrySHA256(path.Join(g.Subdir, g.Entrypoint)); err == nil && !g.Advanced && g.EntrypointSHA256 == "" {
		g.EntrypointSHA256 = sum
	}
	return g
}

// samePlan compares a receipt's record with the launch that the compose pins. Such a record
// proves nothing, since anyone who reaches the socket can write one; but one that says
// something else was not written by the launcher.
func (j *judge) samePlan(app app, record string) error {
	if app.image {
		r, err := measure.ParseImageRecord([]byte(record))
		if err != nil {
			return err
		}
		if r.ApprovedDigest != app.compose.DefaultImageDigest {
			return fmt.Errorf("it says %s, and the compose can launch %s alone", r.ApprovedDigest, app.compose.DefaultImageDigest)
		}
		return nil
	}
	r, err := measure.ParseGitRecord([]byte(record))
	if err != nil {
		return err
	}
	if wrong := differences(Planned(app.config, app.text), r); len(wrong) > 0 {
		return fmt.Errorf("it says another %s than the measured config", strings.Join(wrong, ", another "))
	}
	return nil
}

// Planned returns the record that a launch by a config would have, as far as the config
// says it: without the launcher's version and the tree, and perhaps without hashes. text
// is the config's bytes.
func Planned(cfg *config.Git, text []byte) *measure.GitRecord {
	g := &measure.GitRecord{ConfigSHA256: sum(text), RepoURL: cfg.Repo.String(), Commit: cfg.Commit.String(), Subdir: cfg.Subdir.String()}
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

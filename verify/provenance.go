package verify

import (
	"gitlauncher/verify/app"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/provenance"
	"gitlauncher/verify/report"
)

// provenance is check F: who built the launcher image, from which source.
func (p Params) provenance(c report.Check, e *evidence.Evidence, a app.App) {
	const name = "provenance"
	repo := &c.Policy.ProvenanceRepo
	want := provenance.Expect{Repos: repo.Texts(), Workflows: c.Policy.ProvenanceWorkflow.Texts()}
	bundle := p.Bundle
	if bundle == nil {
		bundle = e.Provenance
	}
	digest := ""
	if a.Compose != nil && !a.Compose.ByName {
		digest = a.Compose.ImageDigest
	}
	base := c.Policy.LauncherBaseDigest.Given()
	if base {
		digest = "" // the launcher that was audited is the base
		if p.Derived != nil && p.Derived.Err == nil && a.Compose != nil && p.Derived.Image.String() == a.Compose.ImageDigest {
			digest = p.Derived.Base.String()
		}
	}
	switch {
	case len(want.Repos)+len(want.Workflows) == 0:
		c.Note(name, "not asked", "no PROVENANCE_REPO is expected: who built the launcher image was not judged")
		return
	case len(want.Repos) == 0:
		c.Undecided(name, "PROVENANCE_REPO", "", "a workflow's name means nothing without its repository")
		return
	case digest == "":
		c.Undecided(name, repo.String(), "", "no launcher image was identified by LAUNCHER_IMAGE_DIGEST")
		return
	case bundle == nil:
		c.Undecided(name, repo.String(), "none", "there is no Sigstore bundle; use --provenance FILE or --provenance registry")
		return
	case p.Provenance == nil:
		c.Undecided(name, repo.String(), "", "there is no trusted root to judge the bundle by; use --trusted-root FILE")
		return
	}
	got, err := p.Provenance.Verify(bundle, digest, want)
	if err != nil {
		c.NotAllowed(name, want.String(), "", err.Error())
		return
	}
	c.Pass(name, got.String())
	if a.Compose.Config == nil && !a.Image && !base {
		c.Note("base image", "not proven", "a derived image's provenance speaks of the derived image; what it was derived from is its builder's word")
	}
}

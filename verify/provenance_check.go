package verify

import (
	"context"

	"gitlauncher/verify/provenance"
)

// provenance is check F: who built the launcher image, from which source.
func (j *judge) provenance(ctx context.Context, app app, launched launched) {
	const name = "provenance"
	c := j.check("F")
	repo := &j.Policy.ProvenanceRepo
	want := provenance.Expect{Repos: repo.Texts(), Workflows: j.Policy.ProvenanceWorkflow.Texts()}
	bundle := j.Bundle
	if bundle == nil {
		bundle = j.evidence.Provenance
	}
	digest := ""
	if app.compose != nil && !app.compose.ByName {
		digest = app.compose.ImageDigest
	}
	base := j.Policy.LauncherBaseDigest.Given()
	if base {
		digest = "" // the launcher that was audited is the base
		if j.Derived != nil && j.Derived.Err == nil && app.compose != nil && j.Derived.Image.String() == app.compose.ImageDigest {
			digest = j.Derived.Base.String()
		}
	}
	switch {
	case len(want.Repos)+len(want.Workflows) == 0:
		c.note(name, "not asked", "no PROVENANCE_REPO is expected: who built the launcher image was not judged")
		return
	case len(want.Repos) == 0:
		c.undecided(name, "PROVENANCE_REPO", "", "a workflow's name means nothing without its repository")
		return
	case digest == "":
		c.undecided(name, repo.String(), "", "no launcher image was identified by LAUNCHER_IMAGE_DIGEST")
		return
	case bundle == nil:
		c.undecided(name, repo.String(), "none", "there is no Sigstore bundle; use --provenance FILE or --provenance registry")
		return
	case j.Provenance == nil:
		c.undecided(name, repo.String(), "", "there is no trusted root to judge the bundle by; use --trusted-root FILE")
		return
	}
	got, err := j.Provenance.Verify(bundle, digest, want)
	if err != nil {
		c.notAllowed(name, want.String(), "", err.Error())
		return
	}
	c.pass(name, got.String())
	if app.compose.Config == nil && !j.imageMode(launched) && !base {
		c.note("base image", "not proven", "a derived image's provenance speaks of the derived image; what it was derived from is its builder's word")
	}
}

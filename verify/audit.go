package verify

import (
	"context"

	"gitlauncher/verify/provenance"
)

// provenance is check F: who built the launcher image, from which source.
func (j *judgement) provenance(ctx context.Context) {
	const name = "provenance"
	want := provenance.Expect{Repos: j.Policy.Of("PROVENANCE_REPO"), Workflows: j.Policy.Of("PROVENANCE_WORKFLOW")}
	asked := len(want.Repos)+len(want.Workflows) > 0
	bundle := j.Bundle
	if bundle == nil {
		bundle = j.evidence.Provenance
	}
	digest := ""
	if j.compose != nil && !j.compose.ByName {
		digest = j.compose.ImageDigest
	}
	switch {
	case !asked:
		j.add("F", name, Note, "", "not asked", "no PROVENANCE_REPO is expected: who built the launcher image was not judged")
		return
	case len(want.Repos) == 0:
		j.add("F", name, Undecided, "PROVENANCE_REPO", "", "a workflow's name means nothing without its repository")
		return
	case digest == "":
		j.add("F", name, Undecided, j.Policy.expected("PROVENANCE_REPO"), "", "no launcher image was identified by LAUNCHER_IMAGE_DIGEST")
		return
	case bundle == nil:
		j.add("F", name, Undecided, j.Policy.expected("PROVENANCE_REPO"), "none", "there is no Sigstore bundle; use --provenance FILE or --provenance registry")
		return
	case j.Provenance == nil:
		j.add("F", name, Undecided, j.Policy.expected("PROVENANCE_REPO"), "", "there is no trusted root to judge the bundle by; use --trusted-root FILE")
		return
	}
	got, err := j.Provenance.Verify(bundle, digest, want)
	if err != nil {
		j.add("F", name, NotAllowed, want.String(), "", err.Error())
		return
	}
	j.add("F", name, Pass, "", got.String(), "")
	if j.compose.Config == nil && !j.imageMode() {
		j.add("F", "base image", Note, "", "not proven", "a derived image's provenance speaks of the derived image; what it was derived from is its builder's word")
	}
}

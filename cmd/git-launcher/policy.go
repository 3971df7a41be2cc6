package main

import (
	"bytes"
	"fmt"

	"gitlauncher/measure"
)

// gitPolicy is the policy for git-launcher-verify that a launch implies: what a
// verifier must expect to be told VERIFIED for this launch and no other. What the
// record leaves empty is not known yet and is left out. The system and the
// launcher image are the deployer's to add.
func gitPolicy(r *measure.GitRecord) []byte {
	var b bytes.Buffer
	b.WriteString(`# What git-launcher-verify is to expect of this launch. Add, from a source that is not
# the machine you verify:
#   MRTD= RTMR0= RTMR1= RTMR2=           the registers of the dstack release you deploy on
#   LAUNCHER_IMAGE_DIGEST=sha256:...     the git-launcher image of your compose file
`)
	put := func(key, v string) { fmt.Fprintf(&b, "%s=%s\n", key, v) }
	for _, kv := range [][2]string{
		{"COMMIT_SHA", r.Commit}, {"REPO_URL", r.RepoURL}, {"TREE", r.Tree},
		{"CONTENT_SHA256", r.ContentSHA256}, {"CONFIG_SHA256", r.ConfigSHA256},
	} {
		if kv[1] != "" {
			put(kv[0], kv[1])
		}
	}
	put("REPO_SUBDIR", r.Subdir)
	if r.Advanced {
		put("RUN_CMD", r.RunCmd)
		put("INSTALL_CMD", r.InstallCmd)
		return b.Bytes()
	}
	put("ENTRYPOINT_SCRIPT", r.Entrypoint)
	if r.EntrypointSHA256 != "" {
		put("ENTRYPOINT_SHA256", r.EntrypointSHA256)
	}
	return b.Bytes()
}

package main

import (
	"strings"

	"gitlauncher/config"
	"gitlauncher/measure"
	"gitlauncher/policy"
)

// gitPolicy is what a relying party expects of a launch: the config's own words, and
// the digests of the launch record. imageDigest is the launcher image's, or empty. The
// system's registers are not the author's to know; the policy says where they go.
func gitPolicy(cfg *config.Git, record []byte, imageDigest string) ([]byte, error) {
	r, err := measure.ParseGitRecord(record)
	if err != nil {
		return nil, err
	}
	var w policy.Writer
	opt := func(key, value string) {
		if value != "" {
			w.Line(key, value)
		}
	}
	w.Line("REPO_URL", cfg.Repo.String())
	w.Line("COMMIT_SHA", cfg.Commit.String())
	opt("REPO_SUBDIR", cfg.Subdir.String())
	if cfg.Advanced == nil {
		w.Line("ENTRYPOINT_SCRIPT", cfg.Script.String())
	} else {
		w.Line("RUN_CMD", cfg.Advanced.RunCmd)
		w.Line("INSTALL_CMD", cfg.Advanced.InstallCmd)
	}
	opt("CONFIG_SHA256", r.ConfigSHA256)
	opt("TREE", r.Tree)
	opt("CONTENT_SHA256", r.ContentSHA256)
	opt("ENTRYPOINT_SHA256", r.EntrypointSHA256)
	opt("LAUNCHER_IMAGE_DIGEST", imageDigest)
	missing := []string{"Still to add, or the verdict stays UNDECIDED: MRTD, RTMR0, RTMR1 and RTMR2 of the dstack OS image"}
	if imageDigest == "" {
		missing = append(missing, "and LAUNCHER_IMAGE_DIGEST, the launcher image that was audited")
	}
	w.Comment(strings.Join(missing, ",\n") + ".")
	return w.Bytes(), nil
}

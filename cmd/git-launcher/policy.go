package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/measure"
)

// policyKeys are the keys of a config that a policy has, too (evidence.md).
var policyKeys = []string{"REPO_URL", "COMMIT_SHA", "REPO_SUBDIR", "ENTRYPOINT_SCRIPT", "RUN_CMD", "INSTALL_CMD"}

// gitPolicy is what a relying party expects of a launch: the config's own words, and
// the digests of the launch record. imageDigest is the launcher image's, or empty. The
// system's registers are not the author's to know; the policy says where they go.
func gitPolicy(cfg *config.Git, record []byte, imageDigest string) ([]byte, error) {
	r, err := measure.ParseGitRecord(record)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for line := range strings.Lines(string(cfg.Canonical())) {
		if key, _, _ := strings.Cut(line, "="); slices.Contains(policyKeys, key) {
			b.WriteString(line)
		}
	}
	put := func(key, v string) {
		if v != "" {
			fmt.Fprintf(&b, "%s=%s\n", key, v)
		}
	}
	put("CONFIG_SHA256", r.ConfigSHA256)
	put("TREE", r.Tree)
	put("CONTENT_SHA256", r.ContentSHA256)
	put("ENTRYPOINT_SHA256", r.EntrypointSHA256)
	put("LAUNCHER_IMAGE_DIGEST", imageDigest)
	b.WriteString("# Still to add, or the verdict stays UNDECIDED: MRTD, RTMR0, RTMR1 and RTMR2 of the dstack OS image")
	if imageDigest == "" {
		b.WriteString(",\n# and LAUNCHER_IMAGE_DIGEST, the launcher image that was audited")
	}
	b.WriteString(".\n")
	return b.Bytes(), nil
}

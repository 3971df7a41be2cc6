package main

import (
	"gitlauncher/config"
	"gitlauncher/measure"
	"gitlauncher/policy"
)

// expectations is what a relying party may expect of a launch before there is one.
type expectations struct {
	config        *config.Git
	record        []byte   // the launch record
	imageDigest   string   // the launcher image's; empty if it is not known yet
	composeSHA256 string   // of the compose file that deploys the config; empty likewise
	envs          []string // that whoever deploys may choose the values of
}

// policy writes the config's own words and the digests of the launch record. What is not
// the author's to know is left to fill in, and the policy says so: a relying party takes
// it from somebody else than the deployer.
func (e expectations) policy() ([]byte, error) {
	r, err := measure.ParseGitRecord(e.record)
	if err != nil {
		return nil, err
	}
	var w policy.Writer
	opt := func(key, value string) {
		if value != "" {
			w.Line(key, value)
		}
	}
	cfg := e.config
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
	opt("LAUNCHER_IMAGE_DIGEST", e.imageDigest)
	opt("DOCKER_COMPOSE_SHA256", e.composeSHA256)
	if len(e.envs) == 0 {
		w.None("ALLOWED_ENVS")
	}
	for _, name := range e.envs {
		w.Line("ALLOWED_ENVS", name)
	}
	w.Comment(e.missing())
	return w.Bytes(), nil
}

// missing says what is left to add.
func (e expectations) missing() string {
	text := "Still to add, or the verdict stays UNDECIDED: MRTD, RTMR0, RTMR1 and RTMR2 of the dstack OS image"
	if e.imageDigest == "" {
		text += ",\nand LAUNCHER_IMAGE_DIGEST, the launcher image that was audited"
	}
	text += ".\n"
	if e.composeSHA256 == "" {
		text += "What `sha256sum docker-compose.yaml` prints for the file that is deployed:\nDOCKER_COMPOSE_SHA256=\n"
	}
	return text + `Who holds the keys of the disk and of the application, unless nobody does (none):
KEY_PROVIDER=
With a key provider, the disk outlives the boot. Whether it is fine that what an earlier
compose file of this application left there runs beside this one:
PERSISTENT_DISK=accepted`
}

package verify

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/verify/compose"
)

// config reads the launcher's config with the launcher's own grammar; nil where
// there is none that can be read.
func (j *judge) config(c check, r *compose.Result, text []byte, image bool) *config.Git {
	const name = "launcher's config"
	switch {
	case r.Service == "":
		return nil
	case text == nil && !image && !j.Policy.ConfigSHA256.Given():
		c.note(name, "not in the compose", "a derived image brings its own; the launch record says what it was, and CONFIG_SHA256 can expect it")
		return nil
	case text == nil:
		return nil
	}
	cfg, err := config.ParseGit(config.DefaultFile, text)
	if err != nil {
		c.notAllowed(name, "a config that the launcher takes", "", err.Error())
		return nil
	}
	switch {
	case r.Config == nil:
		c.pass(name, "in the derived image")
	case r.ConfigFromEnv:
		c.pass(name, "in the measured compose, in "+config.ConfigVariable)
	default:
		c.pass(name, "in the measured compose, by configs")
	}
	j.unusual(c, r, cfg, text)
	return cfg
}

// unusual requires an expectation for what the config says beyond what every launch has
// and the policy's own keys are about: ALLOW_ENV lets variables through that take code.
func (j *judge) unusual(c check, r *compose.Result, cfg *config.Git, text []byte) {
	const name = "config's further settings"
	judged := []string{"REPO_URL", "COMMIT_SHA", "REPO_SUBDIR", "ENTRYPOINT_SCRIPT", "RUN_CMD", "INSTALL_CMD", "CONTENT_SHA256", "ENTRYPOINT_SHA256"}
	var further []string
	for line := range strings.Lines(string(cfg.Canonical())) {
		line = strings.TrimSuffix(line, "\n")
		key, _, _ := strings.Cut(line, "=")
		if !slices.Contains(judged, key) && line != "WORK_DIR="+config.DefaultWorkDir {
			further = append(further, line)
		}
	}
	found := strings.Join(further, ", ")
	switch {
	case len(further) == 0:
	case j.configExpected(r):
		c.pass(name, found)
	default:
		c.undecided(name, "", found, "no CONFIG_SHA256 is expected, and the commit alone does not say them; DOCKER_COMPOSE_SHA256 or COMPOSE_HASH would do, too", line("CONFIG_SHA256", sum(text))...)
	}
}

// configExpected reports whether the policy knows the config by a hash: its own, or that
// of a file that it can't but be in, since the launcher's service has nothing that was
// accepted by name. Whether the hash is the right one is a finding of its own.
func (j *judge) configExpected(r *compose.Result) bool {
	if j.Policy.ConfigSHA256.Given() {
		return true
	}
	return (j.Policy.ComposeHash.Given() || j.Policy.DockerComposeSHA256.Given()) && r != nil &&
		!slices.ContainsFunc(r.Problems, func(p compose.Problem) bool { return p.Accepted && strings.HasPrefix(p.Name, "launcher:") })
}

// sum is the SHA-256 of data as hex.
func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

package app

import (
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/internal/digest"
	"gitlauncher/policy"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/report"
)

// readConfig reads the launcher's config with the launcher's own grammar. It returns
// nil if there is none, or none that can be read.
func readConfig(c report.Check, r *compose.Result, text []byte, image bool) *config.Git {
	const name = "launcher's config"
	switch {
	case r.Service == "":
		return nil
	case text == nil && !image && !c.Policy.ConfigSHA256.Given():
		c.Note(name, "not in the compose", "a derived image brings its own; the launch record says what it was, and CONFIG_SHA256 can expect it")
		return nil
	case text == nil:
		return nil
	}
	cfg, err := config.ParseGit(config.DefaultFile, text)
	if err != nil {
		c.NotAllowed(name, "a config that the launcher takes", "", err.Error())
		return nil
	}
	switch {
	case r.Config == nil:
		c.Pass(name, "in the derived image")
	case r.ConfigFromEnv:
		c.Pass(name, "in the measured compose, in "+config.ConfigVariable)
	default:
		c.Pass(name, "in the measured compose, by configs")
	}
	unusual(c, r, cfg, text)
	return cfg
}

// unusual requires an expectation of settings that are not in every launch and that no
// key of the policy is about. ALLOW_ENV, for one, lets variables through that programs
// run as code.
func unusual(c report.Check, r *compose.Result, cfg *config.Git, text []byte) {
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
	case configExpected(c.Policy, r):
		c.Pass(name, found)
	default:
		c.Undecided(name, "", found, "no CONFIG_SHA256 is expected, and the commit alone does not say them; DOCKER_COMPOSE_SHA256 or COMPOSE_HASH would do, too", report.Line("CONFIG_SHA256", digest.Of(text).Hex())...)
	}
}

// ConfigExpected reports whether the policy knows the config by a hash: its own, or
// that of the compose that it is in. The compose counts only if nothing in the
// launcher's service was accepted by name, since the config could come from there.
// Whether the hash is the right one is another finding.
func (a App) ConfigExpected(by *policy.Policy) bool { return configExpected(by, a.Compose) }

func configExpected(by *policy.Policy, r *compose.Result) bool {
	if by.ConfigSHA256.Given() {
		return true
	}
	return (by.ComposeHash.Given() || by.DockerComposeSHA256.Given()) && r != nil &&
		!slices.ContainsFunc(r.Problems, func(p compose.Problem) bool { return p.Accepted && strings.HasPrefix(p.Name, "launcher:") })
}

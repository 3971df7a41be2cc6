package main

import (
	"slices"
	"strings"

	"gitlauncher/config"
)

// Variables that would run code before the pinned script does, or steer Git
// (launch.md, "Entry and hand-over"). Whoever deploys chooses their values, and
// values are not measured.
var (
	filteredNames    = []string{"BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND", "IFS", "CDPATH", "GLOBIGNORE", "BASH_LOADABLES_PATH", "BASH_XTRACEFD", "GCONV_PATH", "LOCPATH", "GLIBC_TUNABLES"}
	filteredPrefixes = []string{"BASH_FUNC_", "LD_", "GIT_"}
)

// workloadEnv is the environment that the workload gets: what the launcher got,
// less what the filter takes, plus where it was launched from. removed names what
// was taken, sorted.
func workloadEnv(inherited []string, cfg *config.Git) (env, removed []string) {
	for _, kv := range inherited {
		name, _, ok := strings.Cut(kv, "=")
		switch {
		case !ok || name == "":
		case filtered(name) && !slices.Contains(cfg.AllowEnv, name):
			removed = append(removed, name)
		default:
			env = append(env, kv)
		}
	}
	slices.Sort(removed)
	return append(env,
		"GIT_LAUNCHER_COMMIT="+cfg.Commit.String(),
		"GIT_LAUNCHER_REPO_URL="+cfg.Repo.String(),
		"GIT_LAUNCHER_WORK_DIR="+cfg.WorkDir,
	), slices.Compact(removed)
}

func filtered(name string) bool {
	return slices.Contains(filteredNames, name) ||
		slices.ContainsFunc(filteredPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

package main

import (
	"slices"
	"strings"

	"gitlauncher/config"
)

// workloadEnv is the environment that the workload gets: what the launcher got,
// less what the filter takes, plus where it was launched from. removed names what
// was taken, sorted.
func workloadEnv(inherited []string, cfg *config.Git) (env, removed []string) {
	for _, kv := range inherited {
		name, _, ok := strings.Cut(kv, "=")
		switch {
		case !ok || name == "":
		case config.Filtered(name) && !slices.Contains(cfg.AllowEnv, name):
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

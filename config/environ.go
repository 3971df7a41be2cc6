package config

import (
	"slices"
	"strings"
)

// Variables that would run code before the pinned script does, or steer Git
// (launch.md, "Entry and hand-over"). Whoever deploys chooses their values, and
// values are not measured.
var (
	filteredNames    = []string{"BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PS4", "PROMPT_COMMAND", "IFS", "CDPATH", "GLOBIGNORE", "BASH_LOADABLES_PATH", "BASH_XTRACEFD", "GCONV_PATH", "LOCPATH", "GLIBC_TUNABLES"}
	filteredPrefixes = []string{"BASH_FUNC_", "LD_", "GIT_"}
)

// Filtered reports whether the workload gets a variable only if ALLOW_ENV names it.
func Filtered(name string) bool {
	return slices.Contains(filteredNames, name) ||
		slices.ContainsFunc(filteredPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

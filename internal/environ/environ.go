// Package environ decides which variables a workload inherits.
//
// The commit is measured and the values of variables are not: anyone who deploys chooses
// them. A variable that makes a shell, the dynamic loader, libc or Git run something
// else would run it before, or instead of, the first line of the pinned script. So a
// workload gets such a variable only if the measured config names it (ALLOW_ENV).
//
// It does not filter the variables of other languages (PERL5OPT, NODE_OPTIONS): only
// the workload's author knows what it runs. The verifier asks for the compose file that
// sets them (VERIFY.md).
package environ

import (
	"slices"
	"strings"
)

// Each name is here because of what it makes a program do before, or instead of, the
// pinned script.
var (
	filteredNames = []string{
		"BASH_ENV", "ENV", "PROMPT_COMMAND", "PS4", // bash runs them, or expands them
		"SHELLOPTS", "BASHOPTS", // switch tracing on, and with it PS4
		"IFS", "CDPATH", "GLOBIGNORE", "GLOBSORT", "EXECIGNORE", // change what the script's own words mean
		"POSIXLY_CORRECT", "POSIX_PEDANTIC", "BASH_COMPAT", "FUNCNEST", "TMOUT", // change how bash runs it
		"TEXTDOMAIN", "TEXTDOMAINDIR", // where translations of the script's own words come from
		"BASH_LOADABLES_PATH", "BASH_XTRACEFD", // where builtins come from, where a trace goes
		"GCONV_PATH", "LOCPATH", "GLIBC_TUNABLES", // libc loads code and tables from them
		"GODEBUG", // makes Go programs print the credentials that they send
	}
	filteredPrefixes = []string{
		"BASH_FUNC_", // functions, which go before programs of the same name
		"LD_",        // the dynamic loader
		"GIT_",       // Git, and the launcher's own
	}
)

// Filtered reports whether a workload gets this variable only if ALLOW_ENV names it.
func Filtered(name string) bool {
	return slices.Contains(filteredNames, name) ||
		slices.ContainsFunc(filteredPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// Filter returns what a workload inherits of a process's environment, with the names in
// allow let through, and the sorted names of the variables that it does not inherit.
func Filter(inherited, allow []string) (env, removed []string) {
	for _, kv := range inherited {
		name, _, ok := strings.Cut(kv, "=")
		switch {
		case !ok || name == "": // no shell makes these, and readers differ on them
		case Filtered(name) && !slices.Contains(allow, name):
			removed = append(removed, name)
		default:
			env = append(env, kv)
		}
	}
	slices.Sort(removed)
	return env, slices.Compact(removed)
}

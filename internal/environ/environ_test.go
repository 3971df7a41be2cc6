package environ

import (
	"slices"
	"strings"
	"testing"
)

// TestFilter is for SECURITY.md: H1.
func TestFilter(t *testing.T) {
	// Each name, and one of each prefix.
	bad := strings.Fields("BASH_ENV ENV SHELLOPTS BASHOPTS PS4 PROMPT_COMMAND IFS POSIXLY_CORRECT POSIX_PEDANTIC BASH_COMPAT EXECIGNORE FUNCNEST GLOBSORT TMOUT TEXTDOMAIN TEXTDOMAINDIR GODEBUG CDPATH GLOBIGNORE BASH_FUNC_x%% BASH_FUNC_ls() BASH_LOADABLES_PATH BASH_XTRACEFD GCONV_PATH LOCPATH GLIBC_TUNABLES LD_PRELOAD LD_AUDIT GIT_DIR GIT_SSH_COMMAND GIT_LAUNCHER_COMMIT")
	good := []string{"PATH=/bin", "HOME=/root", "LD_LIBRARY_PATH=/gpu", "BASH_FUNC_ok%%=() { :; }", "ENVIRONMENT=x", "MY_LD_PRELOAD=x", "EMPTY="}
	in := slices.Clone(good)
	for _, name := range bad {
		in = append(in, name+"=payload")
	}
	env, removed := Filter(append(in, "=odd", "noequals", "BASH_ENV=twice"), []string{"LD_LIBRARY_PATH", "BASH_FUNC_ok%%"})
	if !slices.Equal(env, good) {
		t.Errorf("environment is %q", env)
	}
	slices.Sort(bad)
	if !slices.Equal(removed, bad) {
		t.Errorf("removed are %q", removed)
	}
}

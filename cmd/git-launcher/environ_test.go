package main

import (
	"slices"
	"strings"
	"testing"

	"gitlauncher/config"
)

func TestWorkloadEnv(t *testing.T) {
	cfg, err := config.ParseGit("c", []byte("REPO_URL=/r\nCOMMIT_SHA=0123456789abcdef0123456789abcdef01234567\nALLOW_ENV=LD_LIBRARY_PATH,BASH_FUNC_ok%%\n"))
	if err != nil {
		t.Fatal(err)
	}
	// Each of launch.md's names, and one of each of its prefixes.
	bad := strings.Fields("BASH_ENV ENV SHELLOPTS BASHOPTS PS4 PROMPT_COMMAND IFS CDPATH GLOBIGNORE BASH_FUNC_x%% BASH_FUNC_ls() BASH_LOADABLES_PATH BASH_XTRACEFD GCONV_PATH LOCPATH GLIBC_TUNABLES LD_PRELOAD LD_AUDIT GIT_DIR GIT_SSH_COMMAND GIT_LAUNCHER_COMMIT")
	good := []string{"PATH=/bin", "HOME=/root", "LD_LIBRARY_PATH=/gpu", "BASH_FUNC_ok%%=() { :; }", "ENVIRONMENT=x", "MY_LD_PRELOAD=x", "EMPTY="}
	in := slices.Clone(good)
	for _, name := range bad {
		in = append(in, name+"=payload")
	}
	env, removed := workloadEnv(append(in, "=odd", "noequals"), cfg)
	want := append(slices.Clone(good), "GIT_LAUNCHER_COMMIT="+cfg.Commit.String(), "GIT_LAUNCHER_REPO_URL=/r", "GIT_LAUNCHER_WORK_DIR=/var/lib/git-launcher/workload")
	if !slices.Equal(env, want) {
		t.Errorf("environment is %q", env)
	}
	slices.Sort(bad)
	if !slices.Equal(removed, bad) {
		t.Errorf("removed are %q", removed)
	}
}

func TestFindBash(t *testing.T) {
	if _, err := findBash([]string{t.TempDir(), "/etc/passwd", "/nonexistent"}); err == nil {
		t.Error("a directory, or a file that can't be run, is taken for bash")
	}
}

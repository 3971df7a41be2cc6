package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlauncher/config"
)

const (
	sha = "0123456789abcdef0123456789abcdef01234567"
	// A host key of nobody: "ssh-ed25519" and 32 zero bytes.
	hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	good    = "REPO_URL=https://example.org/r.git\nCOMMIT_SHA=" + sha + "\n"
)

func TestParseGit(t *testing.T) {
	g, err := config.ParseGit("c", []byte("# comment\n\n  \t# another\n\tREPO_URL=\"https://example.org/r.git\"\n COMMIT_SHA='"+sha+"'\nRUN_CMD=echo \"$HOME\" # not a comment\nINSTALL_CMD=\nALLOW_ENV=LD_LIBRARY_PATH,BASH_FUNC_f%%\nFETCH_DEPTH=full\nWORK_DIR=/srv//tree/\nREPO_SUBDIR=a..b/./c/"))
	if err != nil {
		t.Fatal(err)
	}
	if g.Repo.String() != "https://example.org/r.git" || g.Commit.String() != sha || g.WorkDir != "/srv/tree" ||
		g.Subdir.String() != "a..b/./c/" || g.Subdir.Clean() != "a..b/c" || !g.FullHistory {
		t.Errorf("read as %+v", g)
	}
	want := &config.Advanced{RunCmd: `echo "$HOME" # not a comment`}
	if d := cmp.Diff(want, g.Advanced); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"LD_LIBRARY_PATH", "BASH_FUNC_f%%"}, g.AllowEnv); d != "" {
		t.Error(d)
	}
}

func TestDefaults(t *testing.T) {
	g, err := config.ParseGit("c", []byte(good))
	if err != nil {
		t.Fatal(err)
	}
	if g.WorkDir != "/var/lib/git-launcher/workload" || g.Script.String() != "entrypoint.sh" || g.Subdir.Clean() != "" || g.FullHistory {
		t.Errorf("defaults are %+v", g)
	}
}

// TestQuotes: one layer of matching quotes goes, nothing else.
func TestQuotes(t *testing.T) {
	for value, want := range map[string]string{
		`plain`: `plain`, `"one"`: `one`, `'one'`: `one`, `"'two'"`: `'two'`, `"a'`: `"a'`, `"x`: `"x`,
		`"a" "b"`: `a" "b`, `""x""`: `"x"`, `"\n$A"`: `\n$A`, ` lead`: ` lead`, `trail `: `trail `, `a=b`: `a=b`, `"`: `"`,
	} {
		g, err := config.ParseGit("c", []byte(good+"RUN_CMD="+value))
		if err != nil {
			t.Fatalf("%s: %v", value, err)
		}
		if g.Advanced.RunCmd != want {
			t.Errorf("%s reads as %s, not %s", value, g.Advanced.RunCmd, want)
		}
	}
}

// TestRefused has every row of the table in doc/launch.md and of its grammar. The marker
// stands in each refused value and must stand in no error.
func TestRefused(t *testing.T) {
	const m = "Marker"
	for _, tc := range []struct {
		text string // after the two required lines, if it does not begin with !
		line int
		key  string
	}{
		{"UNKNOWN=" + m, 3, "UNKNOWN"},
		{"COMMIT_SHA=" + sha, 3, "COMMIT_SHA"},
		{"run_cmd=" + m, 3, ""},
		{"RUN_CMD =" + m, 3, ""},
		{m, 3, ""},
		{"=" + m, 3, ""},
		{"export RUN_CMD=" + m, 3, ""},
		{"RUN_CMD=" + m + "\r", 3, ""},
		{"RUN_CMD=" + m + "\x00", 3, ""},
		{"RUN_CMD=" + m + "\x1b", 3, ""},
		{"RUN_CMD=" + m + "\x7f", 3, ""},
		{"RUN_CMD=" + m + "\xff", 3, ""},
		{"RUN_CMD=", 3, "RUN_CMD"},
		{"RUN_CMD=\"\"", 3, "RUN_CMD"},
		{"RUN_CMD= \t", 3, "RUN_CMD"},
		{"INSTALL_CMD=" + m, 3, "INSTALL_CMD"},
		{"ENTRYPOINT_SCRIPT=" + m + "\nRUN_CMD=" + m, 3, "ENTRYPOINT_SCRIPT"},
		{"WORK_DIR=" + m, 3, "WORK_DIR"},
		{"WORK_DIR=", 3, "WORK_DIR"},
		{"WORK_DIR=/", 3, "WORK_DIR"},
		{"WORK_DIR=//./", 3, "WORK_DIR"},
		{"WORK_DIR=/" + m + "/../x", 3, "WORK_DIR"},
		{"REPO_SUBDIR=/" + m, 3, "REPO_SUBDIR"},
		{"REPO_SUBDIR=a/../" + m, 3, "REPO_SUBDIR"},
		{"REPO_SUBDIR=..", 3, "REPO_SUBDIR"},
		{"ENTRYPOINT_SCRIPT=", 3, "ENTRYPOINT_SCRIPT"},
		{"ENTRYPOINT_SCRIPT=./", 3, "ENTRYPOINT_SCRIPT"},
		{"ENTRYPOINT_SCRIPT=../" + m, 3, "ENTRYPOINT_SCRIPT"},
		{"ALLOW_ENV=A, " + m, 3, "ALLOW_ENV"},
		{"ALLOW_ENV=A,,B", 3, "ALLOW_ENV"},
		{"ALLOW_ENV=1" + m, 3, "ALLOW_ENV"},
		{"FETCH_DEPTH=" + m, 3, "FETCH_DEPTH"},
		{"FETCH_DEPTH=2", 3, "FETCH_DEPTH"},
		{"AUTH_TOKEN_FILE=" + m, 3, "AUTH_TOKEN_FILE"},
		{"SSH_KEY_FILE=/" + m, 3, "SSH_KEY_FILE"},
		{"SSH_KNOWN_HOSTS_FILE=/" + m, 3, "SSH_KNOWN_HOSTS_FILE"},
		{"AUTH_TOKEN_ENV=" + m + "-", 3, "AUTH_TOKEN_ENV"},
		{"AUTH_TOKEN_ENV=", 3, "AUTH_TOKEN_ENV"},
		{"AUTH_TOKEN_ENV=PLATFORM", 3, "AUTH_TOKEN_ENV"},
		{"AUTH_TOKEN_ENV=GIT_LAUNCHER_CONFIG", 3, "AUTH_TOKEN_ENV"},
		{"AUTH_TOKEN_ENV=BASH_ENV", 3, "AUTH_TOKEN_ENV"},
		{"AUTH_TOKEN_ENV=A\nAUTH_TOKEN_FILE=/" + m, 3, "AUTH_TOKEN_ENV"},
		{"AUTH_TOKEN_ENV=A\nALLOW_ENV=B,A", 4, "ALLOW_ENV"},
		{"ALLOW_ENV=GIT_LAUNCHER_CONFIG", 3, "ALLOW_ENV"},
		{"SSH_KEY_ENV=" + m, 3, "SSH_KEY_ENV"},
		{"SSH_HOST_KEY=" + hostKey, 3, "SSH_HOST_KEY"},
		{"SSH_HOST_KEY=host " + hostKey, 3, "SSH_HOST_KEY"},
		{"SSH_HOST_KEY=" + hostKey + " " + m, 3, "SSH_HOST_KEY"},
		{"SSH_HOST_KEY=" + hostKey[:len(hostKey)-1], 3, "SSH_HOST_KEY"},
		{"SSH_HOST_KEY=" + strings.Replace(hostKey, "ssh-ed25519", "ssh-rsa", 1), 3, "SSH_HOST_KEY"},
		{"SSH_HOST_KEY=ssh-ed25519 /////w==", 3, "SSH_HOST_KEY"},
		{"CONTENT_SHA256=" + m, 3, "CONTENT_SHA256"},
		{"CONTENT_SHA256=" + strings.Repeat("0", 64), 3, "CONTENT_SHA256"},
		{"CONTENT_SHA256=" + strings.Repeat("A", 64), 3, "CONTENT_SHA256"},
		{"ENTRYPOINT_SHA256=" + strings.Repeat("a", 63), 3, "ENTRYPOINT_SHA256"},
		{"RUN_CMD=" + m + "\nENTRYPOINT_SHA256=" + strings.Repeat("a", 64), 4, "ENTRYPOINT_SHA256"},
		{"!REPO_URL=ssh://h/r\nSSH_KEY_ENV=A\nCOMMIT_SHA=" + sha, 0, "SSH_KNOWN_HOSTS_FILE"},
		{"!REPO_URL=ssh://h/r\nSSH_HOST_KEY=" + hostKey + "\nCOMMIT_SHA=" + sha, 0, "SSH_KEY_FILE"},
		{"!REPO_URL=ssh://h/r\nSSH_KEY_ENV=A\nSSH_KEY_FILE=/k\nSSH_HOST_KEY=" + hostKey + "\nCOMMIT_SHA=" + sha, 2, "SSH_KEY_ENV"},
		{"!REPO_URL=ssh://h/r\nSSH_KEY_ENV=A\nSSH_KNOWN_HOSTS_FILE=/k\nSSH_HOST_KEY=" + hostKey + "\nCOMMIT_SHA=" + sha, 4, "SSH_HOST_KEY"},
		{"!REPO_URL=http://example.org/r\nAUTH_TOKEN_ENV=A\nCOMMIT_SHA=" + sha, 2, "AUTH_TOKEN_ENV"},
		{"!\xef\xbb\xbf" + good, 1, ""},
		{"!", 0, "REPO_URL"},
		{"!REPO_URL=https://example.org/r.git", 0, "COMMIT_SHA"},
		{"!COMMIT_SHA=" + sha, 0, "REPO_URL"},
		{"!REPO_URL=ssh://h/r\nCOMMIT_SHA=" + sha, 0, "SSH_KEY_FILE"},
		{"!REPO_URL=ssh://h/r\nSSH_KEY_FILE=/k\nCOMMIT_SHA=" + sha, 0, "SSH_KNOWN_HOSTS_FILE"},
		{"!REPO_URL=/r\nAUTH_TOKEN_FILE=/t\nCOMMIT_SHA=" + sha, 2, "AUTH_TOKEN_FILE"},
		{"!REPO_URL=http://example.org/r\nAUTH_TOKEN_FILE=/t\nCOMMIT_SHA=" + sha, 2, "AUTH_TOKEN_FILE"},
		{"!" + good + strings.Repeat("#", config.MaxSize), 0, ""},
	} {
		text, whole := strings.CutPrefix(tc.text, "!")
		if !whole {
			text = good + text
		}
		g, err := config.ParseGit("file.conf", []byte(text))
		var ce *config.Error
		if !errors.As(err, &ce) || g != nil {
			t.Errorf("%.60q is taken, or its error is %T", tc.text, err)
			continue
		}
		if ce.Line != tc.line || ce.Key != tc.key || ce.File != "file.conf" || strings.Contains(ce.Error(), m) {
			t.Errorf("%.60q: %v (line %d, key %s)", tc.text, err, ce.Line, ce.Key)
		}
	}
}

func TestRepoURL(t *testing.T) {
	for v, scheme := range map[string]config.Scheme{
		"https://example.org/a/b.git": config.HTTPS, "HTTPS://example.org/a": config.HTTPS, "http://h/x": config.HTTP, "http://[::1]:80/x": config.HTTP,
		"ssh://git@h:22/x": config.SSH, "git@h:org/x.git": config.SSH, "git@[::1]:x": config.SSH, "file:///srv/x": config.File, "/srv/x": config.File,
	} {
		if u, err := config.ParseRepoURL(v); err != nil || u.Scheme != scheme || u.String() != v {
			t.Errorf("%s: %+v, %v", v, u, err)
		}
	}
	for _, v := range []string{
		"", "-oProxyCommand=x", "--upload-pack=x", "ext::sh -c x", "ext::x", "fd::7", "::x", "transport::https://h/x",
		"https://user:pw@h/x", "https://token@h/x", "ssh://git:pw@h/x", "https://h/x?token=1", "https://h/x#f", "https://h/x?",
		"https://", "https:///x", "https://h", "https://h/", "ftp://h/x", "git://h/x", "javascript:x", "relative/path", "h:path", "-u@h:x", "u@-h:x", "u@h:-x",
		"ssh://-oProxyCommand=x/y", "ssh://-l@h/x", "ssh://h/-x", "file://h/x", "file://", "/", "//", "/a/../b", "https://h/a b", "https://%zz/x", "https://h:port/x",
	} {
		if u, err := config.ParseRepoURL(v); err == nil {
			t.Errorf("%q is taken as %+v", v, u)
		} else if len(v) > 6 && strings.Contains(err.Error(), v) {
			t.Errorf("the error repeats %q", v)
		}
	}
}

func FuzzParseGit(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		g, err := config.ParseGit("f", []byte(text))
		if err != nil {
			if g != nil {
				t.Fatal("a refused input yields a config")
			}
			return
		}
		again, err := config.ParseGit("f", g.Canonical())
		if err != nil {
			t.Fatalf("the canonical form is refused: %v\n%s", err, g.Canonical())
		}
		if string(again.Canonical()) != string(g.Canonical()) || again.Subdir.Clean() != g.Subdir.Clean() || again.Repo != g.Repo {
			t.Fatalf("the canonical form reads as another config:\n%s\n%s", g.Canonical(), again.Canonical())
		}
	})
}

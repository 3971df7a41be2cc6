package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gitlauncher/config"
)

const (
	sha = "0123456789abcdef0123456789abcdef01234567"
	// A host key that nobody has: "ssh-ed25519" and 32 zero bytes.
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

// TestQuotes: one layer of matching quotes is removed, and nothing else.
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
// is in most of the refused values and must be in no error.
func TestRefused(t *testing.T) {
	const m = "Marker"
	for _, tc := range []struct {
		text string // follows the two required lines, unless it begins with !
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
		{"SUBMODULES=" + m, 3, "SUBMODULES"},
		{"LFS=" + m, 3, "LFS"},
		{"AUTH_TOKEN_FILE=" + m, 3, "AUTH_TOKEN_FILE"},
		{"AUTH_SCHEME=bearer", 3, "AUTH_SCHEME"},
		{"AUTH_TOKEN_FILE=/t\nAUTH_SCHEME=" + m, 4, "AUTH_SCHEME"},
		{"TLS_CLIENT_KEY_FILE=/" + m, 3, "TLS_CLIENT_KEY_FILE"},
		{"TLS_CLIENT_CERT_FILE=" + m, 3, "TLS_CLIENT_CERT_FILE"},
		{"TLS_CA_FILE=" + m, 3, "TLS_CA_FILE"},
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
		{"!REPO_URL=https://u@h/r\nCOMMIT_SHA=" + sha + "\nAUTH_TOKEN_FILE=/t\nAUTH_SCHEME=bearer", 4, "AUTH_SCHEME"},
		{"!REPO_URL=http://127.0.0.1/r\nCOMMIT_SHA=" + sha + "\nTLS_CA_FILE=/c", 3, "TLS_CA_FILE"},
		{"!REPO_URL=/r\nCOMMIT_SHA=" + sha + "\nTLS_CLIENT_CERT_FILE=/c", 3, "TLS_CLIENT_CERT_FILE"},
		{"!" + good + strings.Repeat("#", config.MaxSize), 0, ""},
	} {
		text, whole := strings.CutPrefix(tc.text, "!")
		if !whole {
			text = good + text
		}
		g, err := config.ParseGit("file.conf", []byte(text))
		var ce *config.Error
		if !errors.As(err, &ce) || g != nil {
			t.Errorf("%.60q is accepted, or its error is %T", tc.text, err)
			continue
		}
		if ce.Line != tc.line || ce.Key != tc.key || ce.File != "file.conf" || strings.Contains(ce.Error(), m) {
			t.Errorf("%.60q: %v (line %d, key %s)", tc.text, err, ce.Line, ce.Key)
		}
	}
}

func TestRepoURL(t *testing.T) {
	for v, want := range map[string]config.RepoURL{
		"https://example.org/a/b.git":         {Scheme: config.HTTPS, Host: "example.org", Path: "/a/b.git"},
		"HTTPS://example.org/a":               {Scheme: config.HTTPS, Host: "example.org", Path: "/a"},
		"https://example.org/a.git/":          {Scheme: config.HTTPS, Host: "example.org", Path: "/a.git"},
		"https://example.org/a//b.git//":      {Scheme: config.HTTPS, Host: "example.org", Path: "/a//b.git"},
		"https://u@example.org:8443/a":        {Scheme: config.HTTPS, User: "u", Host: "example.org", Port: "8443", Path: "/a"},
		"https://gitlab%2Bdeploy-token-1@h/a": {Scheme: config.HTTPS, User: "gitlab+deploy-token-1", Host: "h", Path: "/a"},
		"https://me%40corp@h/a":               {Scheme: config.HTTPS, User: "me@corp", Host: "h", Path: "/a"},
		"https://alice-at-123456789012@h/a":   {Scheme: config.HTTPS, User: "alice-at-123456789012", Host: "h", Path: "/a"},
		"https://h/100%25/a%23b/c%20d/e+f":    {Scheme: config.HTTPS, Host: "h", Path: "/100%25/a%23b/c%20d/e+f"},
		"https://h/a%2Fb.git":                 {Scheme: config.HTTPS, Host: "h", Path: "/a%2Fb.git"},
		"https://h/grüße.git":                 {Scheme: config.HTTPS, Host: "h", Path: "/gr%C3%BC%C3%9Fe.git"},
		"https://h/~me/a;b=c,d@e!(f)":         {Scheme: config.HTTPS, Host: "h", Path: "/~me/a;b=c,d@e!(f)"},
		"http://h:/x":                         {Scheme: config.HTTP, Host: "h", Path: "/x"},
		"http://[::1]:80/x":                   {Scheme: config.HTTP, Host: "::1", Port: "80", Path: "/x"},
		"http://[fe80::1%25eth0]/x":           {Scheme: config.HTTP, Host: "fe80::1%eth0", Path: "/x"},
		"ssh://git@h:22/x":                    {Scheme: config.SSH, User: "git", Host: "h", Port: "22", Path: "/x"},
		"ssh://h:/x/":                         {Scheme: config.SSH, Host: "h", Path: "/x/"},
		"ssh://h/~/x":                         {Scheme: config.SSH, Host: "h", Path: "~/x"},
		"ssh://h/~me/x":                       {Scheme: config.SSH, Host: "h", Path: "~me/x"},
		"ssh://h/a%20b%27c":                   {Scheme: config.SSH, Host: "h", Path: "/a b'c"},
		"ssh://git@[::1]:22/x":                {Scheme: config.SSH, User: "git", Host: "::1", Port: "22", Path: "/x"},
		"git@h:org/x.git":                     {Scheme: config.SSH, User: "git", Host: "h", Path: "org/x.git"},
		"git@h:/x.git":                        {Scheme: config.SSH, User: "git", Host: "h", Path: "/x.git"},
		"git@h:~/x.git":                       {Scheme: config.SSH, User: "git", Host: "h", Path: "~/x.git"},
		"git@h:/~/x.git":                      {Scheme: config.SSH, User: "git", Host: "h", Path: "~/x.git"},
		"git@h:a%20b":                         {Scheme: config.SSH, User: "git", Host: "h", Path: "a%20b"},
		"git@[::1]:x":                         {Scheme: config.SSH, User: "git", Host: "::1", Path: "x"},
		"[git@::1]:x":                         {Scheme: config.SSH, User: "git", Host: "::1", Path: "x"},
		"git@[h:2222]:/x":                     {Scheme: config.SSH, User: "git", Host: "h", Port: "2222", Path: "/x"},
		"[git@h:2222]:x":                      {Scheme: config.SSH, User: "git", Host: "h", Port: "2222", Path: "x"},
		"[h:2222]:x":                          {Scheme: config.SSH, Host: "h", Port: "2222", Path: "x"},
		"example.org:x":                       {Scheme: config.SSH, Host: "example.org", Path: "x"},
		"git@h:8080":                          {Scheme: config.SSH, User: "git", Host: "h", Path: "8080"},
		"file:///srv/x":                       {Scheme: config.File, Path: "/srv/x"},
		"file:///srv/a%20b":                   {Scheme: config.File, Path: "/srv/a b"},
		"/srv/x/":                             {Scheme: config.File, Path: "/srv/x"},
		"/srv/a b:c%20#d":                     {Scheme: config.File, Path: "/srv/a b:c%20#d"},
	} {
		got, err := config.ParseRepoURL(v)
		if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(want)); err != nil || got.String() != v || d != "" {
			t.Errorf("%s: %v\n%s", v, err, d)
		}
	}
	for v, reason := range map[string]string{
		"": "is empty", "-oProxyCommand=x": "dash", "--upload-pack=x": "dash", "ext::sh -c x": "transport helper", "ext::x": "transport helper",
		"fd::7": "transport helper", "::x": "transport helper", "transport::https://h/x": "transport helper",
		"https://user:pw@h/x": "credential", "https://user:@h/x": "credential", "ssh://git:pw@h/x": "credential",
		"https://ghp_0123456789@h/x": "credential", "https://glpat-x@h/x": "credential", "https://github_pat_1@h/x": "credential",
		"https://0123456789abcdef0123456789abcdef01234567@h/x": "credential",
		"https://@h/x":        "no user name",
		"https://a%3Ab@h/x":   "colon",
		"https://a%0Ab@h/x":   "control character",
		"https://h/x?token=1": "query", "https://h/x#f": "fragment", "https://h/x?": "query",
		"https://": "no host", "https:///x": "no host", "https://h": "no repository", "https://h/": "no repository", "https://h//": "no repository",
		"ftp://h/x": "scheme", "git://h/x": "scheme", "git+ssh://h/x": "scheme", "javascript:x": "git@host:path", "relative/path": "is not https", "./a:b": "is not https",
		"h:path": "git@host:path", "C:/x": "git@host:path", "-u@h:x": "dash", "u@-h:x": "host", "u@h:-x": "dash", "u@h:": "is not https", "u@[h:0]:x": "port", "u@[h:x]:x": "port",
		"u@a@h:x": "is not https", "u;v@h:x": "user name", "u@h;v:x": "no host",
		"ssh://-oProxyCommand=x/y": "host", "ssh://-l@h/x": "dash", "ssh://h/-x": "dash", "ssh://h/a%0Ab": "control character", "ssh://h/a%00b": "control character",
		"ssh://h": "no repository", "ssh://h/": "no repository",
		"file://h/x": "file:///path", "file://": "absolute path", "/": "no repository", "//": "no repository", "/a/../b": "..", "file:///a%0Ab": "control character",
		"https://h/a b": "%20", "https://%zz/x": "well-formed", "https://h/%zz": "well-formed", "https://h:port/x": "well-formed", "https://h:0/x": "port", "https://h:70000/x": "port",
		"https://h/a/../b": "..", "https://h/a/%2e%2E/b": "..", "https://h/./b": ". or",
	} {
		if u, err := config.ParseRepoURL(v); err == nil {
			t.Errorf("%q is accepted as %+v", v, u)
		} else if len(v) > 6 && strings.Contains(err.Error(), v) {
			t.Errorf("the error repeats %q", v)
		} else if !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v, not %s", v, err, reason)
		}
	}
}

// TestSlips: an error names what was not meant to be part of a value.
func TestSlips(t *testing.T) {
	for line, reason := range map[string]string{
		"WORK_DIR=/srv/x ":         "a blank at its end",
		"WORK_DIR= /srv/x":         "a blank after the =",
		"WORK_DIR=\"/srv/x\" ":     "a blank at its end",
		"WORK_DIR=/srv/x # volume": "a comment after its value",
		"FETCH_DEPTH=full\t# all":  "a comment after its value",
		"export WORK_DIR=/srv/x":   "begins with export",
		"WORK_DIR = /srv/x":        "no blank before the =",
		"WORK_DIR: /srv/x":         "is not KEY=VALUE",
	} {
		_, err := config.ParseGit("c", []byte(good+line))
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v, not %s", line, err, reason)
		}
	}
	if _, err := config.ParseGit("c", []byte(good+"RUN_CMD= a # b ")); err != nil {
		t.Errorf("only the shell reads a command: %v", err)
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

package config

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"gitlauncher/gitpin/object"
)

// What holds where the config, or the command line, says nothing.
const (
	DefaultFile    = "/etc/git-launcher/config.conf"
	DefaultWorkDir = "/var/lib/git-launcher/workload"
	DefaultScript  = "entrypoint.sh"
)

// Git is a config that was understood, every part of it checked.
type Git struct {
	Repo    RepoURL
	Commit  object.ID
	WorkDir string // absolute and clean, never "/"
	Subdir  RelPath

	// Script runs, unless Advanced is set.
	Script RelPath
	// Advanced is set where the config has RUN_CMD.
	Advanced *Advanced

	AllowEnv    []string // names that pass the environment filter
	FullHistory bool     // FETCH_DEPTH=full

	AuthTokenFile  string // absolute path or empty, as are the next two
	SSHKeyFile     string
	KnownHostsFile string
}

// Advanced is the pair of shell commands that run instead of the entry script.
type Advanced struct {
	RunCmd     string // never empty
	InstallCmd string // may be empty: nothing runs before RunCmd
}

// gitKeys are the known keys, in the order of the canonical form.
var gitKeys = []string{
	"REPO_URL", "COMMIT_SHA", "WORK_DIR", "REPO_SUBDIR", "ENTRYPOINT_SCRIPT",
	"RUN_CMD", "INSTALL_CMD", "ALLOW_ENV", "FETCH_DEPTH",
	"AUTH_TOKEN_FILE", "SSH_KEY_FILE", "SSH_KNOWN_HOSTS_FILE",
}

// ParseGit reads a config. file is only named in errors, which are always *[Error].
func ParseGit(file string, data []byte) (*Git, error) {
	entries, err := Grammar{Keys: gitKeys}.Lines(file, data)
	if err != nil {
		return nil, err
	}
	g := &Git{WorkDir: DefaultWorkDir, Script: RelPath{raw: DefaultScript, clean: DefaultScript}}
	at := make(map[string]int)
	for _, e := range entries {
		at[e.Key] = e.Line
		if err := g.set(e.Key, e.Value); err != nil {
			return nil, &Error{File: file, Line: e.Line, Key: e.Key, Reason: err.Error()}
		}
	}
	if key, reason := g.contradiction(at); key != "" {
		return nil, &Error{File: file, Line: at[key], Key: key, Reason: reason}
	}
	return g, nil
}

func (g *Git) set(key, v string) (err error) {
	switch key {
	case "REPO_URL":
		g.Repo, err = ParseRepoURL(v)
	case "COMMIT_SHA":
		g.Commit, err = object.ParseID(v)
	case "WORK_DIR":
		if g.WorkDir, err = absPath(v); g.WorkDir == "/" {
			err = fmt.Errorf("must not be /")
		}
	case "REPO_SUBDIR":
		g.Subdir, err = ParseRelPath(v)
	case "ENTRYPOINT_SCRIPT":
		if g.Script, err = ParseRelPath(v); err == nil && g.Script.Clean() == "" {
			err = fmt.Errorf("names no file")
		}
	case "RUN_CMD":
		g.advanced().RunCmd = v
		if strings.Trim(v, " \t") == "" {
			err = fmt.Errorf("is empty")
		}
	case "INSTALL_CMD":
		g.advanced().InstallCmd = v
	case "ALLOW_ENV":
		g.AllowEnv, err = envNames(v)
	case "FETCH_DEPTH":
		if g.FullHistory = v == "full"; v != "1" && v != "full" {
			err = fmt.Errorf("is neither 1 nor full")
		}
	case "AUTH_TOKEN_FILE":
		g.AuthTokenFile, err = absPath(v)
	case "SSH_KEY_FILE":
		g.SSHKeyFile, err = absPath(v)
	case "SSH_KNOWN_HOSTS_FILE":
		g.KnownHostsFile, err = absPath(v)
	}
	return err
}

func (g *Git) advanced() *Advanced {
	if g.Advanced == nil {
		g.Advanced = new(Advanced)
	}
	return g.Advanced
}

// contradiction names a key that is missing or makes no sense beside the others, and
// says why. A key without effect is refused rather than ignored, because a verifier
// believes what a config says.
func (g *Git) contradiction(at map[string]int) (key, reason string) {
	has := func(key string) bool { return at[key] > 0 }
	web := g.Repo.Scheme == HTTPS || g.Repo.Scheme == HTTP
	switch {
	case !has("REPO_URL"):
		return "REPO_URL", "is missing"
	case !has("COMMIT_SHA"):
		return "COMMIT_SHA", "is missing"
	case has("INSTALL_CMD") && !has("RUN_CMD"):
		return "INSTALL_CMD", "needs RUN_CMD; the entry script does its own installing"
	case has("ENTRYPOINT_SCRIPT") && has("RUN_CMD"):
		return "ENTRYPOINT_SCRIPT", "has no effect beside RUN_CMD; remove one of the two"
	case has("AUTH_TOKEN_FILE") && !web:
		return "AUTH_TOKEN_FILE", "is for https:// repositories only"
	case has("AUTH_TOKEN_FILE") && g.Repo.Scheme == HTTP && !g.Repo.Loopback():
		return "AUTH_TOKEN_FILE", "would send the token in clear over http://; use https://"
	case has("SSH_KEY_FILE") && g.Repo.Scheme != SSH:
		return "SSH_KEY_FILE", "is for ssh repositories only"
	case has("SSH_KNOWN_HOSTS_FILE") && g.Repo.Scheme != SSH:
		return "SSH_KNOWN_HOSTS_FILE", "is for ssh repositories only"
	case g.Repo.Scheme == SSH && !has("SSH_KEY_FILE"):
		return "SSH_KEY_FILE", "is missing; an ssh repository needs a key to log in with"
	case g.Repo.Scheme == SSH && !has("SSH_KNOWN_HOSTS_FILE"):
		return "SSH_KNOWN_HOSTS_FILE", "is missing; an ssh repository needs the host keys to expect"
	}
	return "", ""
}

// Canonical writes the config so that [ParseGit] reads the same config again: with its
// defaults, its keys in a fixed order, and no comments.
func (g *Git) Canonical() []byte {
	var b bytes.Buffer
	put := func(key, v string) { b.WriteString(Entry{Key: key, Value: v}.String() + "\n") }
	opt := func(key, v string) {
		if v != "" {
			put(key, v)
		}
	}
	put("REPO_URL", g.Repo.String())
	put("COMMIT_SHA", g.Commit.String())
	put("WORK_DIR", g.WorkDir)
	opt("REPO_SUBDIR", g.Subdir.String())
	if g.Advanced == nil {
		put("ENTRYPOINT_SCRIPT", g.Script.String())
	} else {
		put("RUN_CMD", g.Advanced.RunCmd)
		put("INSTALL_CMD", g.Advanced.InstallCmd)
	}
	opt("ALLOW_ENV", strings.Join(g.AllowEnv, ","))
	if g.FullHistory {
		put("FETCH_DEPTH", "full")
	}
	opt("AUTH_TOKEN_FILE", g.AuthTokenFile)
	opt("SSH_KEY_FILE", g.SSHKeyFile)
	opt("SSH_KNOWN_HOSTS_FILE", g.KnownHostsFile)
	return b.Bytes()
}

// RelPath is a path inside a repository: relative, without "..".
type RelPath struct{ raw, clean string }

// String is the path as the config has it, which is what gets measured.
func (p RelPath) String() string { return p.raw }

// Clean is the path without "." and empty components; empty for the root.
func (p RelPath) Clean() string { return p.clean }

// ParseRelPath reads a path inside a repository. The empty path is its root.
func ParseRelPath(v string) (RelPath, error) {
	if strings.HasPrefix(v, "/") {
		return RelPath{}, fmt.Errorf("must be relative to the repository")
	}
	for part := range strings.SplitSeq(v, "/") {
		if part == ".." {
			return RelPath{}, fmt.Errorf("must not have a .. component, which could leave the repository")
		}
	}
	clean := path.Clean(v)
	if clean == "." {
		clean = ""
	}
	return RelPath{raw: v, clean: clean}, nil
}

func absPath(v string) (string, error) {
	if !strings.HasPrefix(v, "/") {
		return "", fmt.Errorf("must be an absolute path")
	}
	for part := range strings.SplitSeq(v, "/") {
		if part == ".." {
			return "", fmt.Errorf("must not have a .. component")
		}
	}
	return path.Clean(v), nil
}

// envNames reads a comma-separated list of variable names; bash's encoding of an
// exported function, BASH_FUNC_name%%, is one too.
func envNames(v string) ([]string, error) {
	if v == "" {
		return nil, nil
	}
	names := strings.Split(v, ",")
	for _, name := range names {
		id := strings.TrimSuffix(name, "%%")
		for i, c := range []byte(id) {
			if c == '_' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || i > 0 && '0' <= c && c <= '9' {
				continue
			}
			return nil, fmt.Errorf("is not a list of variable names, separated by commas without blanks")
		}
		if id == "" {
			return nil, fmt.Errorf("has an empty name in its list")
		}
	}
	return names, nil
}

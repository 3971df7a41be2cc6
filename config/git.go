package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/gitpin/object"
	"gitlauncher/internal/digest"
)

// The defaults (doc/launch.md).
const (
	DefaultFile    = "/etc/git-launcher/config.conf"  // where the command line names no config
	DefaultWorkDir = "/var/lib/git-launcher/workload" // WORK_DIR
	DefaultScript  = "entrypoint.sh"                  // ENTRYPOINT_SCRIPT
)

// Git is the parsed config of git mode. Every part of it was checked.
type Git struct {
	Repo    RepoURL
	Mirrors []RepoURL // other addresses to fetch the commit from, in the order of trying
	Commit  object.ID
	WorkDir string // absolute and clean, never "/"
	Subdir  RelPath

	Script   RelPath   // what runs, below Subdir, unless Advanced is set
	Advanced *Advanced // nil unless the config has RUN_CMD

	AllowEnv    []string // names that pass the environment filter
	FullHistory bool     // FETCH_DEPTH=full
	Submodules  bool     // SUBMODULES=recursive: they are placed, at any depth
	LFS         bool     // LFS=fetch: the contents of Git LFS files are placed

	// Hashes that the commit's files must have, too. They do not depend on SHA-1. They are
	// zero where the config has none.
	ContentSHA256    digest.SHA256 // of all files: content_sha256 (VERIFY.md)
	EntrypointSHA256 digest.SHA256 // of the script

	Auth Auth
}

// Advanced is the pair of shell commands that run instead of the entry script.
type Advanced struct {
	RunCmd     string // never empty
	InstallCmd string // runs before RunCmd, unless it is empty
}

// gitKeys are the known keys, in the order of the canonical form.
var gitKeys = []string{
	"REPO_URL", "COMMIT_SHA", "REPO_MIRRORS", "WORK_DIR", "REPO_SUBDIR", "ENTRYPOINT_SCRIPT",
	"RUN_CMD", "INSTALL_CMD", "ALLOW_ENV", "FETCH_DEPTH", "SUBMODULES", "LFS",
	"CONTENT_SHA256", "ENTRYPOINT_SHA256",
	"AUTH_TOKEN_FILE", "AUTH_TOKEN_ENV", "AUTH_SCHEME", "TLS_CLIENT_CERT_FILE", "TLS_CLIENT_KEY_FILE", "TLS_CA_FILE",
	"SSH_KEY_FILE", "SSH_KEY_ENV", "SSH_KNOWN_HOSTS_FILE", "SSH_HOST_KEY",
}

// ConfigVariable is the environment variable that may hold the whole config. A workload
// never inherits it.
const ConfigVariable = "GIT_LAUNCHER_CONFIG"

// ParseGit reads a config of git mode. file is only named in errors, which are always
// *[Error].
func ParseGit(file string, data []byte) (*Git, error) {
	entries, err := Grammar{Keys: gitKeys}.Lines(file, data)
	if err != nil {
		return nil, err
	}
	g := &Git{WorkDir: DefaultWorkDir, Script: RelPath{raw: DefaultScript, clean: DefaultScript}, Auth: Auth{Scheme: Basic}}
	at := make(map[string]int)
	for _, e := range entries {
		at[e.Key] = e.Line
		err := slip(e.Key, e.Value)
		if err == nil {
			err = g.set(e.Key, e.Value)
		}
		if err != nil {
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
	case "REPO_MIRRORS":
		g.Mirrors, err = parseMirrors(v)
	case "COMMIT_SHA":
		g.Commit, err = object.ParseID(v)
	case "WORK_DIR":
		if g.WorkDir, err = absPath(v); g.WorkDir == "/" {
			err = errors.New("must not be /")
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
		g.FullHistory, err = oneOf(v, "1", "full")
	case "SUBMODULES":
		g.Submodules, err = oneOf(v, "none", "recursive")
	case "LFS":
		g.LFS, err = oneOf(v, "none", "fetch")
	case "CONTENT_SHA256":
		g.ContentSHA256, err = parseSum(v)
	case "ENTRYPOINT_SHA256":
		g.EntrypointSHA256, err = parseSum(v)
	default:
		err = g.Auth.set(key, v)
	}
	return err
}

func (g *Git) advanced() *Advanced {
	if g.Advanced == nil {
		g.Advanced = new(Advanced)
	}
	return g.Advanced
}

// contradiction names a key that is missing or contradicts the others, and says why. A
// key without effect is refused rather than ignored, because a verifier believes what a
// config says. at has the line of each key.
func (g *Git) contradiction(at map[string]int) (key, reason string) {
	has := func(key string) bool { return at[key] > 0 }
	switch {
	case !has("REPO_URL"):
		return "REPO_URL", "is missing"
	case !has("COMMIT_SHA"):
		return "COMMIT_SHA", "is missing"
	case has("INSTALL_CMD") && !has("RUN_CMD"):
		return "INSTALL_CMD", "needs RUN_CMD; the entry script does its own installing"
	case has("ENTRYPOINT_SCRIPT") && has("RUN_CMD"):
		return "ENTRYPOINT_SCRIPT", "has no effect beside RUN_CMD; remove one of the two"
	case has("ENTRYPOINT_SHA256") && has("RUN_CMD"):
		return "ENTRYPOINT_SHA256", "has no effect beside RUN_CMD, which runs no script; CONTENT_SHA256 covers every file"
	}
	for _, name := range g.AllowEnv {
		if name == ConfigVariable || slices.Contains(g.Auth.Variables(), name) {
			return "ALLOW_ENV", "names a variable that the launcher keeps from the workload in any case"
		}
	}
	if reason := g.mirrorContradiction(); reason != "" {
		return "REPO_MIRRORS", reason
	}
	return g.authContradiction(has)
}

// Canonical returns a text that [ParseGit] reads as the same config. It has the defaults
// written out, the keys in a fixed order, and no comments.
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
	opt("REPO_MIRRORS", joined(g.Mirrors))
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
	if g.Submodules {
		put("SUBMODULES", "recursive")
	}
	if g.LFS {
		put("LFS", "fetch")
	}
	if !g.ContentSHA256.IsZero() {
		put("CONTENT_SHA256", g.ContentSHA256.Hex())
	}
	if !g.EntrypointSHA256.IsZero() {
		put("ENTRYPOINT_SHA256", g.EntrypointSHA256.Hex())
	}
	opt("AUTH_TOKEN_FILE", g.Auth.TokenFile)
	opt("AUTH_TOKEN_ENV", g.Auth.TokenEnv)
	if g.Auth.Scheme != Basic {
		put("AUTH_SCHEME", string(g.Auth.Scheme))
	}
	opt("TLS_CLIENT_CERT_FILE", g.Auth.TLSCertFile)
	opt("TLS_CLIENT_KEY_FILE", g.Auth.TLSKeyFile)
	opt("TLS_CA_FILE", g.Auth.TLSCAFile)
	opt("SSH_KEY_FILE", g.Auth.SSHKeyFile)
	opt("SSH_KEY_ENV", g.Auth.SSHKeyEnv)
	opt("SSH_KNOWN_HOSTS_FILE", g.Auth.KnownHostsFile)
	opt("SSH_HOST_KEY", g.Auth.HostKey)
	return b.Bytes()
}

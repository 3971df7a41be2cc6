package config

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"gitlauncher/gitpin/object"
	"gitlauncher/internal/digest"
	"gitlauncher/internal/environ"
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

	// What the commit's bytes must be besides, without leaning on SHA-1; zero where the
	// config does not say. EntrypointSHA256 is of the script.
	ContentSHA256, EntrypointSHA256 digest.SHA256

	Auth Auth
}

// Auth says where credentials are. It never holds one. A field that the config does not
// have is empty.
type Auth struct {
	TokenFile, SSHKeyFile string // absolute paths
	TokenEnv, SSHKeyEnv   string // names of variables

	Scheme AuthScheme // how the token is sent; Basic unless the config says otherwise

	TLSCertFile string // absolute path of the client's own certificate
	TLSKeyFile  string // of its key; empty where the key is in TLSCertFile
	TLSCAFile   string // of authorities that are trusted besides the system's

	KnownHostsFile string // absolute path
	HostKey        string // "<type> <base64>", as ssh-keyscan prints it behind the host
}

// AuthScheme is how a token is sent over HTTP.
type AuthScheme string

// RFC 7617 and RFC 6750.
const (
	Basic  AuthScheme = "basic"
	Bearer AuthScheme = "bearer"
)

// Variables returns the names of the variables that hold credentials.
func (a Auth) Variables() []string {
	return slices.DeleteFunc([]string{a.TokenEnv, a.SSHKeyEnv}, func(name string) bool { return name == "" })
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
	"CONTENT_SHA256", "ENTRYPOINT_SHA256",
	"AUTH_TOKEN_FILE", "AUTH_TOKEN_ENV", "AUTH_SCHEME", "TLS_CLIENT_CERT_FILE", "TLS_CLIENT_KEY_FILE", "TLS_CA_FILE",
	"SSH_KEY_FILE", "SSH_KEY_ENV", "SSH_KNOWN_HOSTS_FILE", "SSH_HOST_KEY",
}

// ConfigVariable is the variable that may hold the whole config. A workload never
// inherits it.
const ConfigVariable = "GIT_LAUNCHER_CONFIG"

// ParseGit reads a config. file is only named in errors, which are always *[Error].
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
		if g.FullHistory = v == "full"; v != "1" && v != "full" {
			err = fmt.Errorf("is neither 1 nor full")
		}
	case "CONTENT_SHA256":
		g.ContentSHA256, err = parseSum(v)
	case "ENTRYPOINT_SHA256":
		g.EntrypointSHA256, err = parseSum(v)
	default:
		err = g.Auth.set(key, v)
	}
	return err
}

// set takes the keys that say where credentials are.
func (a *Auth) set(key, v string) (err error) {
	switch key {
	case "AUTH_TOKEN_FILE":
		a.TokenFile, err = absPath(v)
	case "SSH_KEY_FILE":
		a.SSHKeyFile, err = absPath(v)
	case "SSH_KNOWN_HOSTS_FILE":
		a.KnownHostsFile, err = absPath(v)
	case "AUTH_SCHEME":
		if a.Scheme = AuthScheme(v); a.Scheme != Basic && a.Scheme != Bearer {
			err = errors.New("is neither basic nor bearer")
		}
	case "TLS_CLIENT_CERT_FILE":
		a.TLSCertFile, err = absPath(v)
	case "TLS_CLIENT_KEY_FILE":
		a.TLSKeyFile, err = absPath(v)
	case "TLS_CA_FILE":
		a.TLSCAFile, err = absPath(v)
	case "AUTH_TOKEN_ENV":
		a.TokenEnv, err = ParseVariable(v)
	case "SSH_KEY_ENV":
		a.SSHKeyEnv, err = ParseVariable(v)
	case "SSH_HOST_KEY":
		a.HostKey, err = hostKey(v)
	}
	return err
}

// slip names what was not meant to be part of a value: blanks around it, and a comment
// behind it. The two commands are the shell's to read.
func slip(key, v string) error {
	switch {
	case key == "RUN_CMD", key == "INSTALL_CMD":
		return nil
	case strings.Contains(v, " #"), strings.Contains(v, "\t#"):
		return errors.New("has a comment behind its value; a comment takes a line of its own")
	case strings.TrimRight(v, " \t") != v:
		return errors.New("has a blank at its end")
	case strings.TrimLeft(v, " \t") != v:
		return errors.New("has a blank after the =")
	}
	return nil
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
	return g.authContradiction(has)
}

// authContradiction does the same for the keys that say where credentials are.
func (g *Git) authContradiction(has func(key string) bool) (key, reason string) {
	for _, pair := range [][2]string{{"AUTH_TOKEN_FILE", "AUTH_TOKEN_ENV"}, {"SSH_KEY_FILE", "SSH_KEY_ENV"}, {"SSH_KNOWN_HOSTS_FILE", "SSH_HOST_KEY"}} {
		if has(pair[0]) && has(pair[1]) {
			return pair[1], "stands beside " + pair[0] + "; give one of the two"
		}
	}
	for _, key := range []string{"AUTH_TOKEN_FILE", "AUTH_TOKEN_ENV"} {
		switch {
		case has(key) && g.Repo.Scheme != HTTPS && g.Repo.Scheme != HTTP:
			return key, "is for https:// repositories only"
		case has(key) && g.Repo.Scheme == HTTP && !g.Repo.Loopback():
			return key, "would send the token in clear over http://; use https://"
		}
	}
	for _, key := range []string{"SSH_KEY_FILE", "SSH_KEY_ENV", "SSH_KNOWN_HOSTS_FILE", "SSH_HOST_KEY"} {
		if has(key) && g.Repo.Scheme != SSH {
			return key, "is for ssh repositories only"
		}
	}
	for _, key := range []string{"TLS_CLIENT_CERT_FILE", "TLS_CLIENT_KEY_FILE", "TLS_CA_FILE"} {
		if has(key) && g.Repo.Scheme != HTTPS {
			return key, "is for https:// repositories only"
		}
	}
	switch {
	case has("AUTH_SCHEME") && !has("AUTH_TOKEN_FILE") && !has("AUTH_TOKEN_ENV"):
		return "AUTH_SCHEME", "has no effect without a token (AUTH_TOKEN_ENV or AUTH_TOKEN_FILE)"
	case g.Auth.Scheme == Bearer && g.Repo.User != "":
		return "AUTH_SCHEME", "bearer sends no user name, and REPO_URL has one; remove one of the two"
	case has("TLS_CLIENT_KEY_FILE") && !has("TLS_CLIENT_CERT_FILE"):
		return "TLS_CLIENT_KEY_FILE", "has no effect without TLS_CLIENT_CERT_FILE"
	case g.Repo.Scheme != SSH:
	case !has("SSH_KEY_FILE") && !has("SSH_KEY_ENV"):
		return "SSH_KEY_FILE", "is missing, or SSH_KEY_ENV; an ssh repository needs a key to log in with"
	case !has("SSH_KNOWN_HOSTS_FILE") && !has("SSH_HOST_KEY"):
		return "SSH_KNOWN_HOSTS_FILE", "is missing, or SSH_HOST_KEY; an ssh repository needs the host keys to expect"
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
		switch id := strings.TrimSuffix(name, "%%"); {
		case id == "":
			return nil, errors.New("has an empty name in its list")
		case !variableName.MatchString(id):
			return nil, errors.New("is not a list of variable names, separated by commas without blanks")
		}
	}
	return names, nil
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// ParseVariable reads the name of a variable that whoever deploys may choose the value
// of. That is none that could steer the launcher, bash, the loader or Git.
func ParseVariable(v string) (string, error) {
	switch {
	case !variableName.MatchString(v):
		return "", errors.New("is not the name of a variable (a value must not stand here)")
	case environ.Filtered(v) || v == "PLATFORM":
		return "", errors.New("names a variable that means something else to the launcher or to bash; choose another name")
	}
	return v, nil
}

// hostKey reads "<type> <base64>". Whether the key is one that SSH knows is for the
// connection to see; its own words must agree.
func hostKey(v string) (string, error) {
	kind, text, ok := strings.Cut(v, " ")
	blob, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(blob) < 4 {
		return "", errors.New("is not a host key: its type, one blank and base64, without a host before or a comment behind")
	}
	if n := binary.BigEndian.Uint32(blob); uint64(n) > uint64(len(blob)-4) || string(blob[4:4+n]) != kind {
		return "", errors.New("is a host key of another type than it says")
	}
	return v, nil
}

func parseSum(v string) (digest.SHA256, error) {
	sum, err := digest.ParseHex(v)
	if err == nil && sum.IsZero() {
		err = errors.New("is all zeros, which is no file's hash")
	}
	return sum, err
}

package config

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
)

// Auth says where credentials are. It never holds one. A field is empty where the config
// does not set it.
type Auth struct {
	TokenFile, SSHKeyFile string // absolute paths
	TokenEnv, SSHKeyEnv   string // names of variables

	Scheme AuthScheme // how the token is sent; Basic unless the config says otherwise

	// Absolute paths.
	TLSCertFile string // the client's certificate
	TLSKeyFile  string // its key; empty where the key is in TLSCertFile
	TLSCAFile   string // authorities to trust besides the system's

	KnownHostsFile string // absolute path
	HostKey        string // "<type> <base64>", as ssh-keyscan prints it after the host
}

// AuthScheme is how a token is sent over HTTP.
type AuthScheme string

// The schemes that a config may name.
const (
	Basic  AuthScheme = "basic"  // RFC 7617
	Bearer AuthScheme = "bearer" // RFC 6750
)

// Variables returns the names of the environment variables that hold credentials.
func (a Auth) Variables() []string {
	return slices.DeleteFunc([]string{a.TokenEnv, a.SSHKeyEnv}, func(name string) bool { return name == "" })
}

// set reads the value of one of the keys that say where credentials are.
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

// authContradiction is [Git.contradiction] for the keys that say where credentials are.
func (g *Git) authContradiction(has func(key string) bool) (key, reason string) {
	for _, pair := range [][2]string{{"AUTH_TOKEN_FILE", "AUTH_TOKEN_ENV"}, {"SSH_KEY_FILE", "SSH_KEY_ENV"}, {"SSH_KNOWN_HOSTS_FILE", "SSH_HOST_KEY"}} {
		if has(pair[0]) && has(pair[1]) {
			return pair[1], "stands beside " + pair[0] + "; remove one of the two"
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
		if has(key) && g.Repo.Scheme != HTTPS && (key != "TLS_CA_FILE" || !g.overHTTPS() && !g.Submodules && !g.LFS) {
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
		return "SSH_KEY_FILE", "is missing, and so is SSH_KEY_ENV; an ssh repository needs a key to log in with"
	case !has("SSH_KNOWN_HOSTS_FILE") && !has("SSH_HOST_KEY"):
		return "SSH_KNOWN_HOSTS_FILE", "is missing, and so is SSH_HOST_KEY; an ssh repository needs the host keys to expect"
	}
	return "", ""
}

// hostKey reads "<type> <base64>". The key's bytes begin with their own type, which must
// be the one before them. Whether SSH knows the type shows when a connection is made.
func hostKey(v string) (string, error) {
	kind, text, ok := strings.Cut(v, " ")
	blob, err := base64.StdEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(blob) < 4 {
		return "", errors.New("is not a host key: its type, one blank and base64, with no host before and no comment after")
	}
	if n := binary.BigEndian.Uint32(blob); uint64(n) > uint64(len(blob)-4) || string(blob[4:4+n]) != kind {
		return "", errors.New("names one type of host key and holds a key of another")
	}
	return v, nil
}

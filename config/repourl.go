package config

import (
	"errors"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
)

// Scheme is how a repository is reached.
type Scheme string

// Git over TLS, over plain HTTP, over SSH, and from a folder of this machine.
const (
	HTTPS Scheme = "https"
	HTTP  Scheme = "http"
	SSH   Scheme = "ssh"
	File  Scheme = "file"
)

// RepoURL is a repository's address that was understood.
type RepoURL struct {
	raw    string
	Scheme Scheme
	User   string // SSH only; may be empty
	Host   string // with the port, if there is one; empty for File
	Path   string // for File an absolute path; for SSH as the server wants it
}

// String is the address as the config has it, which is what gets measured.
func (u RepoURL) String() string { return u.raw }

// Loopback reports whether the host is this machine by its own name or address.
func (u RepoURL) Loopback() bool {
	host := (&url.URL{Host: u.Host}).Hostname()
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

var (
	transportHelper = regexp.MustCompile(`^[A-Za-z0-9+.-]*::`)
	scpLike         = regexp.MustCompile(`^([A-Za-z0-9_][A-Za-z0-9_.-]*)@([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\]):([^-].*)$`)
)

// ParseRepoURL reads a repository's address. Its errors never repeat it.
func ParseRepoURL(v string) (RepoURL, error) {
	switch {
	case v == "":
		return RepoURL{}, errors.New("is empty")
	case strings.HasPrefix(v, "-"):
		return RepoURL{}, errors.New("begins with a dash, which a program could take for an option")
	case transportHelper.MatchString(v):
		return RepoURL{}, errors.New("names a transport helper (ext:: and the like run commands), which is not allowed")
	case strings.ContainsAny(v, " \t"):
		return RepoURL{}, errors.New("has a blank in it")
	case strings.HasPrefix(v, "/"):
		return fileURL(v, v)
	case strings.Contains(v, "://"):
		return schemeURL(v)
	}
	if m := scpLike.FindStringSubmatch(v); m != nil {
		return RepoURL{raw: v, Scheme: SSH, User: m[1], Host: m[2], Path: m[3]}, nil
	}
	return RepoURL{}, errors.New("is not https://, http://, ssh://, user@host:path, file:// or an absolute path")
}

func schemeURL(v string) (RepoURL, error) {
	u, err := url.Parse(v)
	if err != nil {
		return RepoURL{}, errors.New("is not a well-formed URL") // err repeats the value
	}
	scheme := Scheme(strings.ToLower(u.Scheme))
	_, password := u.User.Password()
	switch {
	case scheme != HTTPS && scheme != HTTP && scheme != SSH && scheme != File:
		return RepoURL{}, errors.New("has a scheme that is not supported; use https, http, ssh or file")
	case password, u.User != nil && scheme != SSH:
		return RepoURL{}, errors.New("holds a credential, which would be published with the config; use AUTH_TOKEN_ENV or SSH_KEY_ENV, or their _FILE forms")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(v, "#"):
		return RepoURL{}, errors.New("has a query or a fragment, which a repository's address does not")
	case scheme == File:
		if u.Host != "" {
			return RepoURL{}, errors.New("names a host in a file:// address; write file:///path")
		}
		return fileURL(v, u.Path)
	case u.Hostname() == "" || strings.HasPrefix(u.Hostname(), "-"):
		return RepoURL{}, errors.New("names no host")
	case strings.Trim(u.Path, "/") == "":
		return RepoURL{}, errors.New("names no repository on its host")
	case scheme == SSH && (strings.HasPrefix(u.User.Username(), "-") || strings.HasPrefix(u.Path, "/-")):
		return RepoURL{}, errors.New("has a part that begins with a dash, which a program could take for an option")
	}
	return RepoURL{raw: v, Scheme: scheme, User: u.User.Username(), Host: u.Host, Path: u.Path}, nil
}

func fileURL(raw, p string) (RepoURL, error) {
	clean, err := absPath(p)
	if err != nil {
		return RepoURL{}, err
	}
	if clean == "/" {
		return RepoURL{}, errors.New("names no repository")
	}
	return RepoURL{raw: raw, Scheme: File, Path: clean}, nil
}

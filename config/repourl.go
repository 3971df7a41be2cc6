package config

import (
	"errors"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Scheme is how a repository is reached.
type Scheme string

// The schemes (doc/hosts.md).
const (
	HTTPS Scheme = "https"
	HTTP  Scheme = "http"
	SSH   Scheme = "ssh"
	File  Scheme = "file"
)

// RepoURL is the parsed address of a repository. Requests are built from these parts, so
// that the text is understood once and in one way.
type RepoURL struct {
	raw    string
	Scheme Scheme
	User   string // who to log in as, without escapes; may be empty, and always is for File
	Host   string // a name or an address, without brackets; empty for File
	Port   string // decimal; empty for the scheme's default
	Path   string // see [ParseRepoURL]
}

// String returns the address as the config has it, which is what gets measured.
func (u RepoURL) String() string { return u.raw }

// Loopback reports whether the host is localhost or a loopback address.
func (u RepoURL) Loopback() bool { return Loopback(u.Host) }

// Loopback reports whether a host is localhost or a loopback address.
func Loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// SameHost reports whether both addresses have the same scheme, host and port, so that a
// credential for one may go to the other.
func (u RepoURL) SameHost(other RepoURL) bool {
	return u.Scheme == other.Scheme && strings.EqualFold(u.Host, other.Host) && u.port() == other.port()
}

// port is the port to connect to; zero for File.
func (u RepoURL) port() int {
	if u.Port != "" {
		n, _ := strconv.Atoi(u.Port) // checkHost saw a number
		return n
	}
	return map[Scheme]int{HTTPS: 443, HTTP: 80, SSH: 22}[u.Scheme]
}

var (
	transportHelper = regexp.MustCompile(`^[A-Za-z0-9+.-]*::`)
	// The forms that scp has, as git reads them: user@host:path, where brackets may hold an
	// IPv6 address, or a host with its port.
	scpLike     = regexp.MustCompile(`^(?:([^@:/\[\]]+)@)?(\[[^\[\]/]+\]|[^@:/\[\]]+):(.+)$`)
	hostName    = regexp.MustCompile(`^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*)$`)
	scpUser     = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]*$`)
	tokenPrefix = regexp.MustCompile(`^(?:gh[a-z]_|github_pat_|gl[a-z]{2,5}-|ATBB|ATCT|ATAT)`)
	tokenLike   = regexp.MustCompile(`^[A-Za-z0-9]{32,}$`)
)

// ParseRepoURL reads a repository's address. The Path that it returns is
//
//   - for HTTPS and HTTP the path of a request line: escaped as the address has it, from
//     the first slash on, without slashes at the end;
//   - for SSH the argument of git-upload-pack: without escapes, and beginning with ~ or
//     ~user where the path in the address begins with /~;
//   - for File a clean absolute path.
//
// Errors never repeat the address.
func ParseRepoURL(v string) (RepoURL, error) {
	switch {
	case v == "":
		return RepoURL{}, errors.New("is empty")
	case strings.HasPrefix(v, "-"):
		return RepoURL{}, errors.New("begins with a dash, which a program could take for an option")
	case transportHelper.MatchString(v):
		return RepoURL{}, errors.New("names a transport helper (ext:: and the like run commands), which is not allowed")
	case strings.HasPrefix(v, "/"):
		return fileURL(v, v)
	case strings.ContainsAny(v, " \t"):
		return RepoURL{}, errors.New("has a blank in it; in an address it is written %20")
	case strings.Contains(v, "://"):
		return schemeURL(v)
	}
	if m := scpLike.FindStringSubmatch(v); m != nil {
		return scpURL(v, m[1], m[2], m[3])
	}
	return RepoURL{}, errors.New("is not https://, http://, ssh://, user@host:path, file:// or an absolute path")
}

func schemeURL(v string) (RepoURL, error) {
	u, err := url.Parse(v)
	if err != nil {
		return RepoURL{}, errors.New("is not a well-formed URL") // err repeats the value
	}
	r := RepoURL{raw: v, Scheme: Scheme(strings.ToLower(u.Scheme)), User: u.User.Username(), Host: u.Hostname(), Port: u.Port()}
	_, password := u.User.Password()
	switch {
	case r.Scheme != HTTPS && r.Scheme != HTTP && r.Scheme != SSH && r.Scheme != File:
		return RepoURL{}, errors.New("has a scheme that is not supported; use https, http, ssh or file")
	case password:
		return RepoURL{}, errors.New("holds a credential, which would be published with the config; use AUTH_TOKEN_ENV or SSH_KEY_ENV, or their _FILE forms")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(v, "#"):
		return RepoURL{}, errors.New("has a query or a fragment, which a repository's address does not; in a path ? is written %3F and # %23")
	case r.Scheme == File && u.Host != "":
		return RepoURL{}, errors.New("names a host in a file:// address; write file:///path")
	case r.Scheme == File:
		return fileURL(v, u.Path)
	case u.User != nil && r.User == "":
		return RepoURL{}, errors.New("has an @ with no user name before it")
	}
	if err := r.checkHost(); err != nil {
		return RepoURL{}, err
	}
	if r.Scheme == SSH {
		return r.overSSH(u.Path)
	}
	return r.overHTTP(u)
}

// checkHost refuses a host or port that nobody can connect to.
func (u RepoURL) checkHost() error {
	if u.Host == "" || strings.HasPrefix(u.Host, "-") {
		return errors.New("names no host")
	}
	if strings.ContainsFunc(u.Host, control) {
		return errors.New("has a control character in its host")
	}
	if n, err := strconv.ParseUint(u.Port, 10, 16); u.Port != "" && (err != nil || n == 0) {
		return errors.New("has a port that is not a number from 1 to 65535")
	}
	return nil
}

// overHTTP completes an https:// or http:// address: it sets the path, and checks it and
// the user name.
func (u RepoURL) overHTTP(from *url.URL) (RepoURL, error) {
	u.Path = strings.TrimRight(from.EscapedPath(), "/")
	switch {
	case u.Path == "":
		return RepoURL{}, errors.New("names no repository on its host")
	case dotted(from.Path):
		return RepoURL{}, errors.New("has a . or .. component in its path, which a server would read in its own way")
	case strings.Contains(u.User, ":") || strings.ContainsFunc(u.User, control):
		return RepoURL{}, errors.New("has a user name with a colon or a control character in it, which HTTP can't send")
	case tokenPrefix.MatchString(u.User) || tokenLike.MatchString(u.User) && strings.ContainsAny(u.User, "0123456789"):
		return RepoURL{}, errors.New("holds a credential in the place of the user name, which would be published with the config; use AUTH_TOKEN_ENV or AUTH_TOKEN_FILE")
	}
	return u, nil
}

// overSSH completes an ssh address: it sets the path, and checks it and the user name.
// Where the path begins with /~, git leaves out the slash, and so does this.
func (u RepoURL) overSSH(path string) (RepoURL, error) {
	if strings.HasPrefix(path, "/~") {
		path = path[1:]
	}
	u.Path = path
	switch {
	case strings.Trim(path, "/") == "":
		return RepoURL{}, errors.New("names no repository on its host")
	case strings.ContainsFunc(path, control) || strings.ContainsFunc(u.User, control):
		return RepoURL{}, errors.New("has a control character in its path or user name")
	case strings.HasPrefix(u.User, "-"), strings.HasPrefix(path, "-"), strings.HasPrefix(path, "/-"):
		return RepoURL{}, errors.New("has a part that begins with a dash, which a program could take for an option")
	}
	return u, nil
}

// scpURL reads the parts of user@host:path. Without a user, a host must be unmistakable:
// it has a dot or brackets, or is localhost.
func scpURL(raw, user, host, path string) (RepoURL, error) {
	r := RepoURL{raw: raw, Scheme: SSH, User: user}
	inner, bracketed := strings.CutPrefix(host, "[")
	inner = strings.TrimSuffix(inner, "]")
	if name, rest, both := strings.Cut(inner, "@"); both && bracketed && user == "" {
		r.User, inner = name, rest
	}
	if addr, err := netip.ParseAddr(inner); bracketed && err == nil {
		r.Host = addr.String()
	} else if r.Host, r.Port, _ = strings.Cut(inner, ":"); !bracketed && user == "" && !strings.Contains(inner, ".") && inner != "localhost" {
		return RepoURL{}, errors.New("is not https://, http://, ssh://, user@host:path, file:// or an absolute path; for ssh write git@host:path")
	}
	if _, err := netip.ParseAddr(r.Host); err != nil && !hostName.MatchString(r.Host) {
		return RepoURL{}, errors.New("names no host")
	}
	if r.User != "" && !scpUser.MatchString(r.User) {
		return RepoURL{}, errors.New("has a user name with a character that none may have here")
	}
	if err := r.checkHost(); err != nil {
		return RepoURL{}, err
	}
	return r.overSSH(path)
}

func fileURL(raw, p string) (RepoURL, error) {
	clean, err := absPath(p)
	switch {
	case err != nil:
		return RepoURL{}, err
	case clean == "/":
		return RepoURL{}, errors.New("names no repository")
	case strings.ContainsFunc(clean, control):
		return RepoURL{}, errors.New("has a control character in its path")
	}
	return RepoURL{raw: raw, Scheme: File, Path: clean}, nil
}

func dotted(path string) bool {
	for part := range strings.SplitSeq(path, "/") {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}

func control(r rune) bool { return r < 0x20 || r == 0x7f }

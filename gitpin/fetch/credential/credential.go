package credential

import (
	"bytes"
	"encoding/base64"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"syscall"

	"gitlauncher/config"
)

// maxCredential is the most that is read of a credential, in bytes; keys and tokens have
// a few thousand.
const maxCredential = 64 << 10

// Credentials names the files of credentials, or holds what came in variables. They go
// to the repository's own host only. A field that is not used is empty.
type Credentials struct {
	TokenFile, SSHKeyFile string
	Token, SSHKey         Secret // instead of the files

	Scheme config.AuthScheme // how the token is sent; empty is basic

	TLSCertFile string // the client's certificate
	TLSKeyFile  string // its key; empty where TLSCertFile has it
	TLSCAFile   string // authorities that are trusted besides the system's

	KnownHostsFile string
	HostKey        string // instead of that file: "<type> <base64>"
}

// Elsewhere is what of c may be used for another host than the repository's own: the
// authorities that are trusted, which are no secret.
func (c Credentials) Elsewhere() Credentials { return Credentials{TLSCAFile: c.TLSCAFile} }

// Secret is a credential from a variable. It shows itself nowhere.
type Secret struct{ name, value string }

// NewSecret takes the value of the variable called name.
func NewSecret(name, value string) Secret { return Secret{name, value} }

func (s Secret) String() string       { return "[secret]" }
func (s Secret) GoString() string     { return "[secret]" }
func (s Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalText keeps the value out of JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

func (s Secret) unset() bool { return s.name == "" }

// Login is what is said of the client over HTTP.
type Login struct {
	token  string
	Header string // the value of the Authorization header; empty for none
}

// Login reads the token, if there is to be one.
func (c Credentials) Login(repo config.RepoURL) (Login, error) {
	where, content, err := c.Token.or(c.TokenFile)
	if where == "" || err != nil {
		return Login{}, err
	}
	token := strings.TrimSpace(string(content))
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return Login{}, &Error{where, "does not hold one token on one line"}
	}
	if c.Scheme == config.Bearer {
		return Login{token, "Bearer " + token}, nil
	}
	user := repo.User
	if user == "" {
		user = "git" // the large hosts look at the token alone; it may not be empty everywhere
	}
	return Login{token, "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+token))}, nil
}

// Secrets are the forms in which a host may repeat what it was told.
func (l Login) Secrets() []string {
	if l.token == "" {
		return nil
	}
	_, sent, _ := strings.Cut(l.Header, " ")
	return append([]string{sent}, Forms(l.token)...)
}

// Forms are those in which a host may repeat a secret: of a header's value also its last
// word, which the name of a scheme stands before.
func Forms(secret string) []string {
	last := secret[strings.LastIndexByte(secret, ' ')+1:]
	return []string{secret, last, url.QueryEscape(last), url.PathEscape(last)}
}

// sshKey returns the PEM text of the key to log in with, and where it came from.
func (c Credentials) sshKey() (where string, pem []byte, err error) {
	where, content, err := c.SSHKey.or(c.SSHKeyFile)
	if err != nil || c.SSHKey.unset() || bytes.HasPrefix(bytes.TrimSpace(content), []byte("-----BEGIN ")) {
		return where, content, err
	}
	// Some ways to set a variable take no line breaks, so a key may come in base64.
	if pem, err = base64.StdEncoding.DecodeString(strings.TrimSpace(string(content))); err != nil {
		return where, nil, &Error{where, "holds neither a private key (-----BEGIN …) nor the base64 of one"}
	}
	return where, pem, nil
}

// or returns the content of the variable, or else of the file, and its name for errors,
// which is empty if there is neither.
func (s Secret) or(file string) (where string, content []byte, err error) {
	switch {
	case s.unset() && file == "":
		return "", nil, nil
	case s.unset():
		content, err = readCredential(file)
		return "file " + file, content, err
	case len(s.value) > maxCredential:
		return "", nil, &Error{"variable " + s.name, "is larger than 64 KiB"}
	}
	return "variable " + s.name, []byte(s.value), nil
}

// readCredential reads a secret's file. Its errors name the file alone.
func readCredential(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe is not waited for
	if err != nil {
		return nil, &Error{"file " + path, "can't be opened"}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxCredential+1))
	if err != nil || len(data) > maxCredential {
		return nil, &Error{"file " + path, "can't be read, or is larger than 64 KiB"}
	}
	return data, nil
}

// Error is a credential that can't be used. It never holds it.
type Error struct{ Where, Reason string } // Where is "file PATH" or "variable NAME"

func (e *Error) Error() string {
	return "credential " + e.Where + " " + e.Reason
}

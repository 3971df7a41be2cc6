package credential

import (
	"bytes"
	"encoding/base64"
	"io"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"

	"gitlauncher/config"
)

// maxCredential is how many bytes a credential may have. Keys and tokens have a few
// thousand.
const maxCredential = 64 << 10

// Credentials names the files that hold credentials, or holds those that came in variables.
// They go to the repository's own host only. Unused fields are empty.
type Credentials struct {
	TokenFile, SSHKeyFile string
	Token, SSHKey         Secret // from variables, instead of the files

	Scheme config.AuthScheme // how the token is sent; empty is basic

	TLSCertFile string // the client's certificate
	TLSKeyFile  string // its key; empty if TLSCertFile holds the key too
	TLSCAFile   string // the certificates of authorities that are trusted besides the system's

	KnownHostsFile string
	HostKey        string // one key instead of that file: "<type> <base64>"
}

// Elsewhere returns the part of c that may be used for hosts other than the repository's
// own: the authorities that are trusted, which are not secret.
func (c Credentials) Elsewhere() Credentials { return Credentials{TLSCAFile: c.TLSCAFile} }

// Secret is a credential from a variable. No way of printing or logging it shows its value.
type Secret struct{ name, value string }

// NewSecret returns the secret that the variable called name holds.
func NewSecret(name, value string) Secret { return Secret{name, value} }

func (s Secret) String() string       { return "[secret]" }
func (s Secret) GoString() string     { return "[secret]" }
func (s Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalText keeps the value out of JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }

func (s Secret) unset() bool { return s.name == "" }

// Login is how the client identifies itself over HTTP.
type Login struct {
	token  string
	Header string // the value of the Authorization header; empty for none
}

// Login reads the token. It returns an empty Login if c names none. Errors are [*Error].
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
		user = "git" // the large hosts look at the token alone, but some hosts refuse an empty name
	}
	return Login{token, "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+token))}, nil
}

// Secrets lists the forms in which a host may repeat the token.
func (l Login) Secrets() []string {
	if l.token == "" {
		return nil
	}
	_, sent, _ := strings.Cut(l.Header, " ")
	return append([]string{sent}, Forms(l.token)...)
}

// Forms lists the forms in which a host may repeat a secret: as it is, escaped as in an address
// or in JSON, and all of them in a quoted answer. If the secret is the value of a header, its
// last word is a form too: the name of a scheme may precede it.
func Forms(secret string) []string {
	last := secret[strings.LastIndexByte(secret, ' ')+1:]
	query, path := url.QueryEscape(last), url.PathEscape(last)
	forms := []string{secret, last, query, path, lowerEscapes(query), lowerEscapes(path)}
	for _, escaper := range jsonEscapers {
		forms = append(forms, escaper.Replace(last))
	}
	for _, form := range forms {
		forms = append(forms, jsonEscapers[0].Replace(form)) // as %q
	}
	slices.Sort(forms)
	return slices.Compact(forms)
}

// jsonEscapers write a string in JSON as most writers do, as PHP, as Go, and as .NET.
var jsonEscapers = []*strings.Replacer{
	strings.NewReplacer(`\`, `\\`, `"`, `\"`),
	strings.NewReplacer(`\`, `\\`, `"`, `\"`, `/`, `\/`),
	strings.NewReplacer(`\`, `\\`, `"`, `\"`, `&`, `\u0026`, `<`, `\u003c`, `>`, `\u003e`),
	strings.NewReplacer(`\`, `\\`, `"`, `\u0022`, `&`, `\u0026`, `<`, `\u003C`, `>`, `\u003E`, `+`, `\u002B`, `'`, `\u0027`, "`", `\u0060`),
}

// lowerEscapes returns an escaped part of an address with the digits of its escapes in lower case.
func lowerEscapes(s string) string {
	parts := strings.Split(s, "%")
	for i := range parts[1:] {
		parts[i+1] = strings.ToLower(parts[i+1][:2]) + parts[i+1][2:]
	}
	return strings.Join(parts, "%")
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

// or returns the value of the variable, or else the content of the file. where names the
// one that was read; it is empty if there is neither.
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

// readCredential reads a credential's file. Its errors name the file alone.
func readCredential(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // opening a pipe must not block
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

// Error is a credential that can't be used. It never quotes the credential.
type Error struct{ Where, Reason string } // Where is "file PATH" or "variable NAME"

func (e *Error) Error() string {
	return "credential " + e.Where + " " + e.Reason
}

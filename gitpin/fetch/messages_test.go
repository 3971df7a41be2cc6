package fetch

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/answer"
	"gitlauncher/gitpin/fetch/bundle"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/fetch/remote"
	"gitlauncher/gitpin/fetch/uploadpack"
	"gitlauncher/gitpin/lfs"
	"gitlauncher/gitpin/object"
)

// TestMessages is the table of what failures mean: their reasons, how many further tries
// make sense, and their words.
func TestMessages(t *testing.T) {
	now := time.Now()
	cert := func(from, until time.Time) *x509.Certificate {
		return &x509.Certificate{NotBefore: from, NotAfter: until}
	}
	web := func(e answer.Error) error { return &e }
	for _, c := range []struct {
		err    error
		reason Reason
		tries  int
		says   string
	}{
		{&stalledError{time.Minute}, Stalled, -1, "no byte has come from the server for the stall timeout of 1m0s"},
		{errNoPack, Stalled, few, "the server is still preparing the pack after the pack timeout of 10m0s"},
		{errTimedOut, TimedOut, 0, "the fetch timeout is over (15m0s)"},
		{uploadpack.ErrEmpty, Empty, 0, "the repository is empty"},
		{&uploadpack.FormatError{Repo: object.SHA256, Pin: object.SHA1}, OtherFormat, 0, "the repository is a SHA-256 one, whose ids have 64 digits; the pin is a SHA-1 id, of 40"},
		{&uploadpack.FormatError{Repo: object.SHA1, Pin: object.SHA256}, OtherFormat, 0, "the repository is a SHA-1 one, whose ids have 40 digits; the pin is a SHA-256 id, of 64"},
		{&uploadpack.UnknownFormatError{Name: "sha512"}, OtherFormat, 0, "the repository's object format is \"sha512\"; SHA-1 and SHA-256 are known"},
		{uploadpack.ErrTooMuch, BadAnswer, few, "the server says too much before the pack"},
		{&uploadpack.ProtocolError{What: "what"}, BadAnswer, few, "what"},
		{&uploadpack.RemoteError{Said: "no"}, Refused, few, "the server says: no"},
		{&answer.EndedError{}, Network, -1, "the server ends the connection without an answer"},
		{&answer.EndedError{Said: "go away"}, NotFound, 0, "the server says: go away"},
		{remote.ErrNoRepository, NotFound, 0, "there is no repository at that path"},
		{io.ErrUnexpectedEOF, Network, -1, "the connection ends in the middle of the answer"},
		{io.EOF, Network, -1, "the connection ends in the middle of the answer"},
		{&net.DNSError{Err: "no such host", Name: "h"}, Network, -1, "lookup h: no such host"},

		{web(answer.Error{Status: 401}), Auth, 0, "the server wants a login, and the config names no token (HTTP 401)"},
		{web(answer.Error{Status: 401, Schemes: "Negotiate", What: "unauthorized: no"}), Auth, 0, "no token; it offers Negotiate; it says unauthorized: no (HTTP 401)"},
		{web(answer.Error{Status: 401, Foreign: "h:1"}), Auth, 0, "h:1, to which the server redirects, wants a login, and the token goes to the repository's own host alone (HTTP 401)"},
		{web(answer.Error{Status: 403}), Auth, 0, "forbidden (HTTP 403)"},
		{web(answer.Error{Status: 403, Waits: true, Pause: time.Minute}), Auth, -1, "forbidden (HTTP 403)"},
		{web(answer.Error{Status: 404}), NotFound, 0, "not found (HTTP 404)"},
		{web(answer.Error{Status: 410}), NotFound, 0, "gone (HTTP 410)"},
		{web(answer.Error{Status: 407}), Proxy, 0, "the proxy wants a login, or another one (HTTP 407)"},
		{web(answer.Error{Status: 400, Asked: true}), ClientCert, 0, "bad request (HTTP 400)"},
		{web(answer.Error{Status: 418}), Unsuitable, 0, "(HTTP 418)"},
		{web(answer.Error{Status: 408}), Network, -1, "(HTTP 408)"},
		{web(answer.Error{Status: 425}), Network, -1, "(HTTP 425)"},
		{web(answer.Error{Status: 429}), Network, -1, "(HTTP 429)"},
		{web(answer.Error{Status: 500}), Network, -1, "(HTTP 500)"},
		{web(answer.Error{Status: 501}), Unsuitable, 0, "(HTTP 501)"},
		{web(answer.Error{Status: 505}), Unsuitable, 0, "(HTTP 505)"},
		{web(answer.Error{Status: 599}), Network, -1, "(HTTP 599)"},
		{web(answer.Error{Status: 200, What: "a web page", Waits: true}), Unsuitable, 0, "a web page (HTTP 200)"},

		{&remote.ProxyError{Name: "http_proxy", Reason: "is none"}, Proxy, 0, "the variable http_proxy is none"},
		{&remote.ProxyRefusal{Status: 407, Text: ""}, Proxy, 0, "the proxy wants a login"},
		{&remote.ProxyRefusal{Status: 502, Text: "Bad Gateway"}, Proxy, -1, "the proxy makes no connection to the host: bad gateway (HTTP 502)"},
		{&remote.ClientCertError{Had: false, Err: io.EOF}, ClientCert, 0, "the server wants a client certificate, and the config names none"},
		{&remote.ClientCertError{Had: true, Err: io.EOF}, ClientCert, 0, "the server refuses the client certificate"},
		{fmt.Errorf("dial: %w", &remote.RedirectError{What: "to a link-local or loopback address"}), Unsuitable, 0, "refusing a redirect to a link-local or loopback address"},
		{http.ErrSchemeMismatch, Unsuitable, 0, "the server does not speak TLS at this port"},
		{remote.ErrNoHTTP, Unsuitable, 0, "the server does not speak HTTP at this port"},

		{x509.UnknownAuthorityError{}, Authority, 0, "from an authority that is not known here"},
		{x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"other"}}, Host: "h"}, Untrusted, 0, "the server's certificate is for another host: x509: certificate is valid for other, not h"},
		{x509.CertificateInvalidError{Cert: cert(now.Add(time.Hour), now.Add(2*time.Hour)), Reason: x509.Expired}, Clock, -1, "is not valid before"},
		{x509.CertificateInvalidError{Cert: cert(now.Add(-2*time.Hour), now.Add(-time.Hour)), Reason: x509.Expired}, Clock, 0, "expired on"},
		{x509.CertificateInvalidError{Cert: cert(now, now), Reason: x509.TooManyIntermediates}, Untrusted, 0, "too many intermediates"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: protocol version not supported")}, Unsuitable, few, "the server ends the TLS handshake: tls: protocol version not supported"},
		{tls.RecordHeaderError{Msg: "x"}, Unsuitable, 0, "the server does not speak TLS at this port"},

		{&lfs.ContentError{OID: "o", What: "is another"}, BadAnswer, 0, "the Git LFS object o is another"},
		{&lfs.AnswerError{What: "is not JSON"}, BadAnswer, 0, "is not JSON"},
		{&lfs.ObjectError{OID: "o", Code: 404}, NotFound, 0, "does not have the Git LFS object o"},
		{&lfs.ObjectError{OID: "o", Code: 410}, NotFound, 0, "has removed the Git LFS object o"},
		{&lfs.ObjectError{OID: "o", Code: 401}, Auth, 0, "(code 401)"},
		{&lfs.ObjectError{OID: "o", Code: 403}, Auth, 0, "(code 403)"},
		{&lfs.ObjectError{OID: "o", Code: 503}, Network, -1, "(code 503)"},
		{&lfs.ObjectError{OID: "o", Code: 422}, Refused, 0, "(code 422)"},
		{&remote.NoObjectError{OID: "o"}, NotFound, 0, "the repository on this machine does not have the Git LFS object o"},
		{remote.ErrNoLFSDir, NotFound, 0, "the repository on this machine has no Git LFS objects"},
		{errLinkExpired, Unsuitable, 0, errLinkExpired.Error()},
		{&bundle.Error{What: "is cut off"}, BadBundle, 0, "is cut off"},

		{&remote.LoginError{User: "git"}, Auth, 0, `the SSH server refuses the key for the user "git"`},
		{&remote.HostError{What: "another key"}, Untrusted, 0, "another key"},
		{remote.ErrNoSSH, Unsuitable, 0, "the server does not speak SSH at this port"},
	} {
		f := &fetcher{params: Params{PackTimeout: DefaultPackTimeout, FetchTimeout: 15 * time.Minute}}
		err := f.classify("asking", c.err)
		var e *Error
		if !errors.As(err, &e) || e.Reason != c.reason || e.tries != c.tries || e.Op != "asking" || !strings.HasPrefix(err.Error(), "asking: ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: reason %d, tries %d, not %d, %d, %q", err, e.Reason, e.tries, c.reason, c.tries, c.says)
		}
		if again := f.classify("elsewhere", err); again != err {
			t.Errorf("%v is classified twice: %v", err, again)
		}
	}
}

// TestEndedContext: a step that fails because its context ended says why the context ended.
func TestEndedContext(t *testing.T) {
	f := &fetcher{}
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := f.classifyIn(ctx, "asking", io.EOF); !strings.Contains(err.Error(), "the connection ends in the middle of the answer") {
		t.Errorf("before the end: %v", err)
	}
	cancel(errShare)
	var e *Error
	if err := f.classifyIn(ctx, "asking", io.EOF); !errors.As(err, &e) || e.Reason != TimedOut || !strings.Contains(err.Error(), errShare.Error()) {
		t.Errorf("after the end: %v", err)
	}
}

// TestNotOurs: an error that is not a failure of the transfer is returned as it is.
func TestNotOurs(t *testing.T) {
	f := &fetcher{}
	for _, err := range []error{&credential.Error{Where: "file /k", Reason: "is empty"}, &remote.NoGitError{Path: "/usr/bin/git"}, &os.PathError{Op: "open", Path: "/x", Err: os.ErrPermission}, context.Canceled} {
		if got := f.classify("asking", err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}

// TestAgain: how often an error is tried again.
func TestAgain(t *testing.T) {
	for _, c := range []struct {
		tries, most, done int
		want              bool
	}{
		{0, -1, 0, false}, {-1, -1, 1000, true}, {-1, 5, 4, true}, {-1, 5, 5, false}, {2, -1, 1, true}, {2, -1, 2, false}, {2, 1, 1, false}, {-1, 0, 0, false},
	} {
		if got := (&Error{tries: c.tries}).again(c.done, c.most); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

// TestSecretsStayOut: a secret that a host repeats does not reach a log.
// SECURITY.md: G6.
func TestSecretsStayOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("hunter2/+x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []config.AuthScheme{config.Basic, config.Bearer, ""} {
		l, err := credential.Credentials{TokenFile: file, Scheme: scheme}.Login(config.RepoURL{User: "me"})
		if err != nil {
			t.Fatal(err)
		}
		f := &fetcher{login: l}
		said := "you sent hunter2/+x, hunter2%2F%2Bx, " + l.Header + "\x1b[31m"
		for _, err := range []error{&uploadpack.RemoteError{Said: said}, &answer.EndedError{Said: said}, &answer.Error{Status: 403, What: said}} {
			text := f.classify("asking", err).Error()
			if strings.Contains(text, "hunter2") || strings.Contains(text, strings.Fields(l.Header)[1]) || strings.Contains(text, "\x1b") || !strings.Contains(text, "[secret]") {
				t.Errorf("%s: %s", scheme, text)
			}
		}
		var shown []string
		f.params.Said = func(line string) { shown = append(shown, line) }
		f.said([]byte("Counting " + said + "\r\n\nCompressing\x07\n"))
		if text := strings.Join(shown, "|"); strings.Contains(text, "hunter2") || !strings.HasSuffix(text, "|Compressing") {
			t.Errorf("%q", shown)
		}
	}
}

// TestPatience: the patience doubles with each try that ended in silence, up to the pack
// timeout.
func TestPatience(t *testing.T) {
	f := &fetcher{params: Params{StallTimeout: 30 * time.Second, PackTimeout: 100 * time.Second}}
	for _, want := range []time.Duration{30 * time.Second, time.Minute, 100 * time.Second, 100 * time.Second} {
		_, p, cancel := f.watched(t.Context())
		cancel(nil)
		if p.Limit != want {
			t.Errorf("after %d silent tries %v, not %v", f.silent, p.Limit, want)
		}
		f.silent++
	}
}

// TestSecretsCutOff: a part of a secret does not reach a log either: neither the beginning of
// one that an answer repeats at a place where the answer is cut, nor the rest of one that
// begins like another secret.
// SECURITY.md: G6.
func TestSecretsCutOff(t *testing.T) {
	secret := strings.Repeat("eyJhbGciOi.J0b2tlbiI6-hunter2_", 10)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := credential.Credentials{TokenFile: file, Scheme: config.Bearer}.Login(config.RepoURL{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fetcher{login: l, linked: []string{"query"}, given: []string{"query-of-the-host"}}
	for _, c := range []struct {
		kind, said string
		status     int
	}{
		{"text/plain", "you sent " + secret, 403},
		{"text/plain", strings.Repeat("x ", 80) + secret, 403},
		{"text/plain", "you sent " + secret, 200},
		{"text/plain", strings.Repeat(" ", 4<<10-100) + secret, 403},
		{"text/html", "<title>you sent " + secret + "</title>", 403},
		{"text/html", "<title>you sent " + secret + "</title>", 200},
		{"application/json", `{"message": "you sent query-of-the-host, ` + secret + `"}`, 403},
	} {
		res := &http.Response{StatusCode: c.status, Header: http.Header{"Content-Type": {c.kind}}, Request: &http.Request{Method: http.MethodGet}}
		said := []error{answer.Refusal(res, strings.NewReader(c.said), time.Now()), answer.Look(res, bufio.NewReader(strings.NewReader(c.said)), "https://example.org/x", time.Now())}
		for _, err := range said {
			if text := f.classify("asking", err).Error(); strings.Contains(text, "hunter2") || strings.Contains(text, "of-the-host") || !strings.Contains(text, "[secret]") {
				t.Errorf("%d %s %.40q: %s", c.status, c.kind, c.said, text)
			}
		}
	}
}

// TestSecretsEscaped: a secret stays out of a log however a host escapes it: in JSON, as PHP,
// .NET and Go write it, in an address, in either case of its digits, and in a quoted answer.
// SECURITY.md: G6.
func TestSecretsEscaped(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(`a/b+c&d"e\f`), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := credential.Credentials{TokenFile: file}.Login(config.RepoURL{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fetcher{login: l}
	for _, said := range []string{
		`a/b+c&d"e\f`, `a\/b+c&d\"e\\f`, `a/b\u002Bc\u0026d\u0022e\\f`, `a/b+c\u0026d\"e\\f`, `a%2Fb%2Bc%26d%22e%5Cf`, `a%2fb%2bc%26d%22e%5cf`, `a%2Fb+c&d%22e%5Cf`,
	} {
		for _, status := range []int{200, 403} {
			res := &http.Response{StatusCode: status, Header: http.Header{}, Request: &http.Request{Method: http.MethodGet}}
			err := f.classify("asking", answer.Look(res, bufio.NewReader(strings.NewReader("you sent "+said)), "https://example.org/x", time.Now()))
			if text := err.Error(); !strings.Contains(text, "you sent [secret]") || strings.Contains(text, "e\\") || strings.Contains(text, "%22") {
				t.Errorf("%d %s: %s", status, said, text)
			}
		}
	}
}

// TestSecretOfTheProxy: a proxy that repeats its password, or what it was sent for it, does not
// get it into a log.
// SECURITY.md: G6.
func TestSecretOfTheProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "you sent hunter22 by "+r.Header.Get("Proxy-Authorization"), http.StatusForbidden)
	}))
	t.Cleanup(proxy.Close)
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"} {
		t.Setenv(name, "")
	}
	t.Setenv("http_proxy", strings.Replace(proxy.URL, "//", "//me:hunter22@", 1))
	repo, err := config.ParseRepoURL("http://git.example.org/x.git")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Resolve(t.Context(), Params{Repo: repo, StallTimeout: 10 * time.Second, FetchTimeout: 10 * time.Second}, "main")
	if err == nil || !strings.Contains(err.Error(), "you sent [secret] by Basic [secret]") {
		t.Errorf("%v", err)
	}
}

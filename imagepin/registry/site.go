package registry

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"gitlauncher/imagepin/oci"
	"gitlauncher/internal/printable"
)

// site is a repository at one host: the registry itself, or a mirror.
type site struct {
	repo    name.Repository
	auth    authn.Authenticator
	config  authn.AuthConfig
	mu      sync.Mutex
	secrets []string // these are removed from what the other side says
	timeout time.Duration
	base    http.RoundTripper
	session http.RoundTripper // after the handshake; nil before
}

// newSite returns the repository at one host. plain says that the host speaks plain HTTP.
// Then it gets no credential, unless it is on loopback.
func newSite(ctx context.Context, image oci.Name, repo name.Repository, o Options, plain bool) (*site, error) {
	s := &site{repo: repo, timeout: o.Timeout, auth: authn.Anonymous}
	local := loopback(repo.RegistryStr())
	if !plain || local {
		if err := s.authorize(ctx, o.Keychain); err != nil {
			return nil, err
		}
	}
	base := o.Base
	if base == nil {
		var err error
		if base, err = trusting(o.CertsDir, repo.RegistryStr(), image.Domain()); err != nil {
			return nil, err
		}
	}
	s.base = &guard{next: base, registry: repo.RegistryStr(), local: local, plain: plain, sent: s.sent}
	return s, nil
}

func (s *site) authorize(ctx context.Context, keychain authn.Keychain) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, errHelperHangs)
	defer cancel()
	auth, config, err := credential(ctx, keychain, s.repo)
	if err != nil {
		return diagnose(s.host(), err)
	}
	s.auth, s.config = auth, *config
	s.secrets = []string{config.Password, config.Auth, config.IdentityToken, config.RegistryToken,
		base64.StdEncoding.EncodeToString([]byte(config.Username + ":" + config.Password))}
	return nil
}

// sent notes the last word of an Authorization header. It may be a token that the registry gave
// for the credential.
func (s *site) sent(header string) {
	secret := header[strings.LastIndexByte(header, ' ')+1:]
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.secrets, secret) {
		s.secrets = append(s.secrets, secret)
	}
}

// redact returns words of the other side in a form for a log.
func (s *site) redact(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return printable.Line(text, s.secrets...)
}

func (s *site) host() string { return s.repo.RegistryStr() }

// guard refuses requests that would leave TLS, or reach a machine's own services by a
// redirect. A registry on loopback may use plain HTTP, as with the Docker Engine. So may a
// mirror with an http:// address: what it sends is hashed, and it gets no credential.
type guard struct {
	next     http.RoundTripper
	registry string // host[:port]
	local    bool   // it is on loopback
	plain    bool   // it may speak plain HTTP
	sent     func(header string)
}

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	to := loopback(req.URL.Host)
	if req.URL.Scheme != "https" && !(g.local && to) && !(g.plain && req.URL.Host == g.registry) {
		return nil, errors.New("refusing to speak plain HTTP")
	}
	if ip := net.ParseIP(req.URL.Hostname()); req.URL.Host != g.registry &&
		(to && !g.local || ip != nil && (ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast())) {
		return nil, errors.New("refusing a redirect to a loopback or link-local address")
	}
	g.sent(req.Header.Get("Authorization"))
	return g.next.RoundTrip(req)
}

func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// get fetches one document and tries once.
func (s *site) get(ctx context.Context, path, reference, doing string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout, fmt.Errorf("no answer within %v", s.timeout))
	defer cancel()
	fail := func(status int, reason Reason, text string) ([]byte, error) {
		return nil, &Error{reference, doing, status, reason, s.redact(text)}
	}
	if s.session == nil {
		session, err := transport.NewWithContext(ctx, s.repo.Registry, s.auth, s.base, []string{s.repo.Scope(transport.PullScope)})
		if err != nil {
			return fail(explain(ctx, err))
		}
		s.session = session
	}
	url := s.repo.Scheme() + "://" + s.host() + "/v2/" + s.repo.RepositoryStr() + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header["Accept"] = oci.Accept
	if strings.HasPrefix(path, "/blobs/") {
		req.Header.Set("Accept", "*/*")
	}
	res, err := (&http.Client{Transport: s.session}).Do(req)
	if err != nil {
		s.session = nil // a new try begins with a new handshake
		return fail(explain(ctx, err))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		s.session = nil
		return fail(refusal(res))
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, oci.MaxDocument+1))
	if err != nil {
		return fail(explain(ctx, err))
	}
	if len(data) > oci.MaxDocument {
		return fail(0, BadAnswer, fmt.Sprintf("the answer is larger than %d MiB", oci.MaxDocument>>20))
	}
	return data, nil
}

// refusal reads an answer whose status is not 200.
func refusal(res *http.Response) (status int, reason Reason, text string) {
	if e := new(transport.Error); errors.As(transport.CheckError(res, http.StatusOK), &e) {
		text = diagnostics(e)
	}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		text += fmt.Sprintf(" (Retry-After %d s)", s)
	}
	return res.StatusCode, statusReason(res.StatusCode), text
}

// explain classifies the error of a request. It has its own text where the library's would
// quote the request.
func explain(ctx context.Context, err error) (status int, reason Reason, text string) {
	var (
		answer *transport.Error
		cert   *tls.CertificateVerificationError
		record tls.RecordHeaderError
		op     *net.OpError
	)
	switch {
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return 0, Stalled, context.Cause(ctx).Error()
	case errors.As(err, &cert): // before answer: on loopback err also has an answer to plain HTTP
		return 0, Untrusted, cert.Unwrap().Error()
	case errors.As(err, &answer):
		return answer.StatusCode, statusReason(answer.StatusCode), diagnostics(answer)
	case errors.As(err, &record):
		return 0, Unreachable, "the registry does not speak TLS"
	case errors.As(err, &op):
		return 0, Unreachable, op.Error()
	}
	for u := errors.Unwrap(err); u != nil; u = errors.Unwrap(u) {
		err = u
	}
	return 0, Unreachable, err.Error()
}

func diagnostics(e *transport.Error) string {
	var words []string
	for _, d := range e.Errors {
		words = append(words, fmt.Sprintf("%s: %s", d.Code, d.Message))
	}
	return strings.Join(words, "; ")
}

func statusReason(status int) Reason {
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return Denied
	case status == http.StatusNotFound:
		return NotFound
	case status == http.StatusTooManyRequests:
		return RateLimited
	case status >= 500:
		return Unreachable
	}
	return BadAnswer
}

// words returns what went wrong at this site, without the reference.
func (s *site) words(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return s.redact(err.Error())
	}
	text := e.Text
	if e.Status != 0 {
		text = strings.TrimSuffix(fmt.Sprintf("HTTP status %d: %s", e.Status, e.Text), ": ")
	}
	return text
}

// unreachable reports whether an error says that the registry gave no usable answer.
func unreachable(err error) bool {
	var e *Error
	return errors.As(err, &e) && (e.Reason == Unreachable || e.Reason == Stalled || e.Reason == RateLimited)
}

// amend returns the registry's own error with the mirrors' failures added.
func amend(err error, failures []string) error {
	var e *Error
	if len(failures) == 0 || !errors.As(err, &e) {
		return err
	}
	more := *e
	more.Text = printable.Line(strings.TrimPrefix(e.Text+"; "+strings.Join(failures, "; "), "; "))
	return &more
}

package imagepin

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"gitlauncher/imagepin/oci"
	"gitlauncher/internal/printable"
)

// Registry is one repository of one registry. It implements Source and Tags.
type Registry struct {
	image   oci.Name
	repo    name.Repository
	auth    authn.Authenticator
	config  authn.AuthConfig
	secrets []string // in what the other side says, these are blotted out
	timeout time.Duration
	base    http.RoundTripper
	session http.RoundTripper // after the handshake; nil before
}

// OpenRegistry prepares access to an image's repository with the credential that
// the standard Docker config and its helpers have for it. It sends nothing yet.
// timeout is for one request. transport may be nil.
func OpenRegistry(ctx context.Context, image oci.Name, keychain authn.Keychain, timeout time.Duration, base http.RoundTripper) (*Registry, error) {
	// Weak validation maps docker.io to its index; oci.Name is strict already.
	repo, err := name.NewRepository(image.Domain() + "/" + image.Path())
	if err != nil {
		return nil, &RegistryError{image.String(), "reading the name", 0, NotFound, "no registry can have it"}
	}
	r := &Registry{image: image, repo: repo, timeout: timeout}
	credential := func(err error) (*Registry, error) {
		// A helper's own words may be anything, the credential included.
		return nil, &RegistryError{image.String(), "reading the credential from the Docker config", 0, Denied, fmt.Sprintf("%T", err)}
	}
	if r.auth, err = authn.Resolve(ctx, keychain, repo); err != nil {
		return credential(err)
	}
	config, err := authn.Authorization(ctx, r.auth)
	if err != nil {
		return credential(err)
	}
	r.config = *config
	r.secrets = []string{config.Password, config.Auth, config.IdentityToken, config.RegistryToken,
		base64.StdEncoding.EncodeToString([]byte(config.Username + ":" + config.Password))}
	if base == nil {
		base = http.DefaultTransport
	}
	local := loopback(repo.RegistryStr())
	r.base = &guard{next: base, registry: repo.RegistryStr(), local: local}
	return r, nil
}

// guard holds requests back that would leave TLS, or reach a machine's own
// services by a redirect. Only a registry on loopback may speak plain HTTP; the
// Docker Engine has the same rule.
type guard struct {
	next     http.RoundTripper
	registry string // host[:port]
	local    bool   // it is on loopback
}

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	to := loopback(req.URL.Host)
	if req.URL.Scheme != "https" && !(g.local && to) {
		return nil, errors.New("refusing to speak plain HTTP")
	}
	if ip := net.ParseIP(req.URL.Hostname()); req.URL.Host != g.registry &&
		(to && !g.local || ip != nil && (ip.IsLinkLocalUnicast() || ip.IsUnspecified() || ip.IsMulticast())) {
		return nil, errors.New("refusing a redirect to a loopback or link-local address")
	}
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

// Manifest returns the bytes that the registry has for an index's or a manifest's
// digest.
func (r *Registry) Manifest(ctx context.Context, d oci.Digest) ([]byte, error) {
	return r.get(ctx, "/manifests/"+d.String(), r.image.At(d), "fetching the manifest")
}

// Blob returns the bytes that the registry has for a config's digest.
func (r *Registry) Blob(ctx context.Context, d oci.Digest) ([]byte, error) {
	return r.get(ctx, "/blobs/"+d.String(), r.image.At(d), "fetching the config")
}

// Tagged returns the index or manifest that a tag names now.
func (r *Registry) Tagged(ctx context.Context, tag string) ([]byte, error) {
	return r.get(ctx, "/manifests/"+tag, r.image.String()+":"+tag, "looking up the tag")
}

// get fetches one document, in one try.
func (r *Registry) get(ctx context.Context, path, reference, stage string) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.timeout, fmt.Errorf("no answer within %v", r.timeout))
	defer cancel()
	fail := func(status int, reason Reason, text string) ([]byte, error) {
		return nil, &RegistryError{reference, stage, status, reason, printable.Line(text, r.secrets...)}
	}
	if r.session == nil {
		session, err := transport.NewWithContext(ctx, r.repo.Registry, r.auth, r.base, []string{r.repo.Scope(transport.PullScope)})
		if err != nil {
			status, reason, text := explain(ctx, err)
			return fail(status, reason, text)
		}
		r.session = session
	}
	url := r.repo.Scheme() + "://" + r.repo.RegistryStr() + "/v2/" + r.repo.RepositoryStr() + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header["Accept"] = oci.Accept
	if strings.HasPrefix(path, "/blobs/") {
		req.Header.Set("Accept", "*/*")
	}
	res, err := (&http.Client{Transport: r.session}).Do(req)
	if err != nil {
		r.session = nil // a new try begins with a new handshake
		status, reason, text := explain(ctx, err)
		return fail(status, reason, text)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		r.session = nil
		words := ""
		if e := new(transport.Error); errors.As(transport.CheckError(res, http.StatusOK), &e) {
			words = diagnostics(e)
		}
		if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
			words += fmt.Sprintf(" (Retry-After %d s)", s)
		}
		return fail(res.StatusCode, statusReason(res.StatusCode), words)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, oci.MaxDocument+1))
	if err != nil {
		status, reason, text := explain(ctx, err)
		return fail(status, reason, text)
	}
	if len(data) > oci.MaxDocument {
		return fail(0, BadAnswer, fmt.Sprintf("the answer is larger than %d MiB", oci.MaxDocument>>20))
	}
	return data, nil
}

// explain sorts the errors of a request. Its text is ours where the library's
// would quote requests.
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
	case errors.As(err, &answer):
		return answer.StatusCode, statusReason(answer.StatusCode), diagnostics(answer)
	case errors.As(err, &cert):
		return 0, Untrusted, cert.Unwrap().Error()
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

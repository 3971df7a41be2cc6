package fetch

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"gitlauncher/config"
)

const (
	maxBefore      = 64 << 20         // bytes of an answer before its pack; large hosts advertise references of some 10 MiB
	maxReason      = 4 << 10          // bytes of a refusal
	connectTimeout = 20 * time.Second // for one TCP connection, and for one TLS handshake
)

// web is the HTTP side of one fetch: it holds the credential back from every
// origin but the repository's own, and remembers what a server answered.
type web struct {
	origin  *url.URL
	auth    string            // value of the Authorization header; empty for none
	own     http.RoundTripper // to the repository's own origin
	foreign http.RoundTripper // to where a redirect leads
	stall   time.Duration
	status  int           // of the last answer
	retry   time.Duration // its Retry-After
	before  *beforePack   // the body of the last answer
}

// newWeb prepares HTTP for a repository.
func newWeb(repo config.RepoURL, token string, stall time.Duration) (*web, error) {
	origin, err := url.Parse(repo.String())
	if err != nil {
		return nil, errors.New("the repository's URL is malformed")
	}
	w := &web{origin: origin, stall: stall}
	if token != "" {
		w.auth = "Basic " + basicAuth(token)
	}
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.TLSHandshakeTimeout = connectTimeout
	base.ResponseHeaderTimeout = stall
	base.DisableCompression = true // a pack is compressed already, and a bomb needs no help
	base.DialContext = (&net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second}).DialContext
	guarded := base.Clone()
	guarded.DialContext = (&net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second, ControlContext: w.allowed}).DialContext
	w.own, w.foreign = base, guarded
	return w, nil
}

// basicAuth is how a token is sent. The user name is ignored by the large hosts, which
// take a token as the password; it may not be empty everywhere.
func basicAuth(token string) string {
	return base64.StdEncoding.EncodeToString([]byte("git:" + token))
}

// session opens go-git's session on top.
func (w *web) session(repo config.RepoURL) (session, error) {
	ep, err := transport.NewEndpoint(repo.String())
	if err != nil {
		return nil, err
	}
	client := githttp.NewClientWithOptions(&http.Client{Transport: w}, &githttp.ClientOptions{
		RedirectPolicy: githttp.FollowInitialRedirects, // as git does: the first GET only, never a POST
	})
	s, err := client.NewUploadPackSession(ep, nil)
	return &webSession{s, w}, err
}

// RoundTrip adds the credential where it may go, and bounds the answer.
func (w *web) RoundTrip(req *http.Request) (*http.Response, error) {
	own := sameOrigin(req.URL, w.origin)
	if w.origin.Scheme == "https" && req.URL.Scheme != "https" {
		return nil, errors.New("refusing a redirect from https to " + req.URL.Scheme)
	}
	req = req.Clone(req.Context())
	req.Header.Del("Authorization")
	to := w.foreign
	if own {
		to = w.own
		if w.auth != "" {
			req.Header.Set("Authorization", w.auth)
		}
	}
	res, err := to.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	w.status, w.retry = res.StatusCode, retryAfter(res.Header)
	most := maxBefore
	if res.StatusCode != http.StatusOK {
		most = maxReason
	}
	w.before = &beforePack{res.Body, most}
	res.Body = w.before
	return res, nil
}

// beforePack fails where what comes before a pack (references, shallow commits,
// acknowledgements), or instead of one, grows past all reason: go-git keeps it all.
type beforePack struct {
	io.ReadCloser
	left int
}

func (b *beforePack) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the server says too much before the pack")
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// webSession ends the bound where the pack begins, which has one of its own.
type webSession struct {
	session
	web *web
}

func (s *webSession) UploadPack(ctx context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	res, err := s.session.UploadPack(ctx, req)
	if err == nil {
		s.web.before.left = math.MaxInt
	}
	return res, err
}

// allowed looks at an address just before a connection that follows a redirect, and
// refuses those that lead to a machine's own services (cloud metadata and the
// like).
func (w *web) allowed(_ context.Context, _, addr string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return err
	}
	ip := ap.Addr().Unmap()
	local := (&config.RepoURL{Host: w.origin.Host}).Loopback()
	if ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || ip.IsLoopback() && !local {
		return errors.New("refusing a redirect to a link-local or loopback address")
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && hostPort(a) == hostPort(b) }

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// retryAfter reads the header's form in seconds; the form with a date is taken as
// the usual back-off.
func retryAfter(h http.Header) time.Duration {
	s, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || s < 0 {
		return 0
	}
	return time.Duration(s) * time.Second
}

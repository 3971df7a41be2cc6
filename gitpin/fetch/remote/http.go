package remote

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/answer"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/fetch/uploadpack"
)

const (
	connectTimeout = 20 * time.Second // for one TCP connection, and for one handshake
	maxRedirects   = 20               // as many as git follows
)

// RedirectError is a redirect that must not be followed.
type RedirectError struct{ What string }

func (e *RedirectError) Error() string { return "refusing a redirect " + e.What }

// Web is a repository over smart HTTP (gitprotocol-http(5)). It sends the credential to
// the repository's own origin alone.
type Web struct {
	ctx    context.Context
	alive  *Pulse
	login  credential.Login
	local  bool     // the repository is on this machine
	cert   bool     // there is a client certificate
	origin *url.URL // the address in the config, or the one that a host or a tree names
	named  bool     // a host or a tree names the origin
	base   *url.URL // the repository's address after redirects

	own     *http.Transport // to the repository's own origin
	foreign *http.Transport // to another origin through a proxy
	guarded *http.Transport // to another origin without a proxy
	asked   atomic.Bool     // whether a server asked for a client certificate
}

func openWeb(ctx context.Context, repo config.RepoURL, login credential.Login, tls credential.TLS, alive *Pulse) (*Web, error) {
	host := bracketed(repo.Host)
	if repo.Port != "" {
		host += ":" + repo.Port
	}
	path, err := url.PathUnescape(repo.Path)
	if err != nil {
		return nil, errors.New("the repository's URL is malformed")
	}
	return newWeb(&Web{
		ctx: ctx, alive: alive, login: login, local: repo.Loopback(), cert: tls.HasCertificate(),
		origin: &url.URL{Scheme: string(repo.Scheme), Host: host, Path: path, RawPath: repo.Path},
	}, tls)
}

// bracketed returns a host as a URL has it.
func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// newWeb adds the transports.
func newWeb(w *Web, tls credential.TLS) (*Web, error) {
	w.base = w.origin
	if proxy, err := proxyFor(os.LookupEnv, w.origin); err != nil {
		return nil, err
	} else if proxy != nil && proxy.Scheme == "https" && tls.HasCertificate() {
		return nil, &ProxyError{"HTTPS_PROXY", "names an https:// proxy, which could ask for the certificate of TLS_CLIENT_CERT_FILE; use an http:// one"}
	}
	dialer := &net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second}
	transport := func(own bool) *http.Transport {
		return &http.Transport{
			Proxy:               func(r *http.Request) (*url.URL, error) { return proxyFor(os.LookupEnv, r.URL) },
			DialContext:         heard(dialer.DialContext),
			TLSClientConfig:     tls.Config(own, &w.asked),
			TLSHandshakeTimeout: connectTimeout,
			ForceAttemptHTTP2:   !own || !w.cert, // see heard
			DisableCompression:  true,            // a pack is compressed already, and there is no need for zip bombs

			MaxResponseHeaderBytes: 256 << 10,
			OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
				return refusedByProxy(res)
			},
		}
	}
	w.own, w.foreign, w.guarded = transport(true), transport(false), transport(false)
	w.guarded.Proxy = nil
	w.guarded.DialContext = heard((&net.Dialer{Timeout: connectTimeout, KeepAlive: 15 * time.Second, ControlContext: w.guard}).DialContext)
	return w, nil
}

// Close ends all connections.
func (w *Web) Close() error {
	for _, t := range []*http.Transport{w.own, w.foreign, w.guarded} {
		t.CloseIdleConnections()
	}
	return nil
}

// Answered reports whether an error is a server's answer that may differ if the references
// are asked for first. Git asks for them first, and some servers expect that.
func (w *Web) Answered(err error) bool {
	var strange *answer.Error
	var ended *answer.EndedError
	var protocol *uploadpack.ProtocolError
	switch {
	case errors.As(err, &strange):
		return !strange.Waits && strange.Status != http.StatusUnauthorized && strange.Status != http.StatusProxyAuthRequired && !answer.Transient(strange.Status)
	case errors.As(err, &ended), errors.As(err, &protocol), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	}
	return false
}

// Ended returns err as it is: over HTTP, the status has told the reason already.
func (w *Web) Ended(err error) error { return err }

// References asks for the references. It follows redirects, as git does for this request
// alone.
func (w *Web) References(name string) (*uploadpack.References, error) {
	const suffix, query = "/info/refs", "service=git-upload-pack"
	at := &url.URL{Scheme: w.base.Scheme, Host: w.base.Host, Path: w.base.Path + suffix, RawPath: w.base.EscapedPath() + suffix, RawQuery: query}
	for range maxRedirects {
		res, err := w.do(http.MethodGet, at, nil)
		if err != nil {
			return nil, err
		}
		if to := res.Header.Get("Location"); to != "" && redirects(res.StatusCode) {
			res.Body.Close()
			if at, err = at.Parse(to); err != nil {
				return nil, &RedirectError{"to something that is not an address"}
			}
			at.User, at.Fragment, at.RawFragment = nil, "", ""
			continue
		}
		body, err := w.body(res, at)
		if err != nil {
			return nil, err
		}
		refs, err := uploadpack.ReadReferences(body, name)
		if err != nil {
			return nil, err
		}
		// The answer is read to its end, so that the connection can be used again.
		io.Copy(io.Discard, io.LimitReader(body, 4<<10))
		res.Body.Close()
		path, ok := strings.CutSuffix(at.EscapedPath(), suffix)
		if !ok {
			return nil, &RedirectError{"to an address that is not a repository's: " + at.Scheme + "://" + at.Host + at.EscapedPath()}
		}
		w.base = &url.URL{Scheme: at.Scheme, Host: at.Host, Path: strings.TrimSuffix(at.Path, suffix), RawPath: path}
		return refs, nil
	}
	return nil, &RedirectError{fmt.Sprintf("after %d of them: they lead nowhere", maxRedirects)}
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// Ask sends a request for a pack.
func (w *Web) Ask(req *uploadpack.Request) (io.Reader, error) {
	const suffix = "/git-upload-pack"
	at := &url.URL{Scheme: w.base.Scheme, Host: w.base.Host, Path: w.base.Path + suffix, RawPath: w.base.EscapedPath() + suffix}
	res, err := w.do(http.MethodPost, at, req.Encode())
	if err != nil {
		return nil, err
	}
	return w.body(res, at)
}

// do sends one request. The credential goes along only to the repository's own origin.
func (w *Web) do(method string, to *url.URL, body []byte) (*http.Response, error) {
	transport, err := w.transport(to)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(w.ctx, method, to.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("the repository's URL is malformed")
	}
	req.URL = to // keeps its own escaping
	req.Header.Set("User-Agent", uploadpack.Agent)
	req.Header.Set("Accept", "*/*")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-git-upload-pack-request")
		req.Header.Set("Accept", "application/x-git-upload-pack-result")
	}
	if transport == w.own && w.login.Header != "" {
		req.Header.Set("Authorization", w.login.Header)
	}
	defer w.alive.Wait()()
	res, err := transport.RoundTrip(req)
	if err != nil {
		return nil, w.explain(err)
	}
	return res, nil
}

// transport returns the transport for an address. It refuses addresses to which no redirect
// may lead.
func (w *Web) transport(to *url.URL) (*http.Transport, error) {
	switch {
	case sameOrigin(to, w.origin) && !w.named:
		return w.own, nil
	case to.Scheme != "http" && to.Scheme != "https":
		return nil, &RedirectError{"to something other than http and https"}
	case w.origin.Scheme == "https" && to.Scheme != "https":
		return nil, &RedirectError{"from https to http"}
	}
	// The name is checked here in any case. What it resolves to is checked only if this
	// machine connects itself: a proxy resolves names in its own network.
	if addr, err := netip.ParseAddr(to.Hostname()); err == nil && w.machine(addr) || strings.EqualFold(to.Hostname(), "localhost") && !w.local {
		return nil, errMachine
	}
	proxy, err := proxyFor(os.LookupEnv, to)
	if err != nil {
		return nil, err
	}
	if proxy != nil {
		return w.foreign, nil
	}
	return w.guarded, nil
}

var errMachine = &RedirectError{"to a link-local or loopback address"}

// machine reports whether an address belongs to a machine's own services, such as cloud
// metadata. No redirect may lead there.
func (w *Web) machine(ip netip.Addr) bool {
	ip = ip.Unmap()
	return ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() || ip.IsLoopback() && !w.local
}

// guard checks an address just before a guarded transport connects to it.
func (w *Web) guard(_ context.Context, _, addr string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return err
	}
	if w.machine(ap.Addr()) {
		return errMachine
	}
	return nil
}

// body returns an answer's body if the answer is one of Git's.
func (w *Web) body(res *http.Response, at *url.URL) (io.Reader, error) {
	var from io.Reader = w.alive.reader(res.Body)
	if res.Header.Get("Content-Encoding") == "gzip" { // nobody asked for it, but git's curl accepts it
		z, err := gzip.NewReader(from)
		if err != nil {
			return nil, &uploadpack.ProtocolError{What: "the answer claims to be compressed by gzip, and is not"}
		}
		from = z
	}
	at = &url.URL{Scheme: at.Scheme, Host: at.Host, Path: at.Path, RawPath: at.RawPath} // a query can hold secrets
	body := bufio.NewReaderSize(from, 4<<10)
	err := answer.Look(res, body, at.String(), time.Now())
	var strange *answer.Error
	if errors.As(err, &strange) {
		strange.Asked = w.asked.Load() && !w.cert
		if !sameOrigin(at, w.origin) {
			strange.Foreign = at.Host
		}
	}
	if err != nil {
		res.Body.Close()
	}
	return body, err
}

func sameOrigin(a, b *url.URL) bool { return a.Scheme == b.Scheme && hostPort(a) == hostPort(b) }

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

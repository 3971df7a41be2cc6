// Package address fetches evidence by its address: https://host/…, as a receipt, an MPC
// node's /public_data or a guest agent's answer is published.
//
// Threat: anyone who wrote the address, or answers there, could use the verifier to
// reach what they can't reach themselves: the network around it, or a service on its
// own machine. So the address that a name resolves to is checked as the connection is
// made, and a private one is refused unless it was asked for. A redirect may change
// only the path, and no proxy and no credential of the machine is used. Size and time
// are bounded.
//
// What it does not do: believe what it fetched. Evidence is judged by its own bytes,
// and the server's certificate proves nothing about them. But the key that the server
// has proven to hold is returned with them: the evidence may bind it.
package address

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// The bounds.
const (
	timeout   = 30 * time.Second // of the whole
	redirects = 3
	maxHeader = 64 << 10 // bytes
)

// PrivateError says that an address is not public.
type PrivateError struct{ IP netip.Addr }

func (e *PrivateError) Error() string {
	return fmt.Sprintf("%s is no public address (--allow-private reaches it)", e.IP)
}

// RedirectError says that a redirect leads to another server.
type RedirectError struct{ From, To string }

func (e *RedirectError) Error() string {
	return fmt.Sprintf("%s redirects to %s, which is another server; give that address if it is meant", e.From, e.To)
}

// LargeError says that an answer is larger than its bound.
type LargeError struct {
	Host  string
	Limit int64 // bytes
}

func (e *LargeError) Error() string {
	return fmt.Sprintf("%s answers with more than %d MiB", e.Host, e.Limit>>20)
}

// StatusError says that a server answers with no evidence.
type StatusError struct {
	Host   string
	Status int
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s answers with status %d", e.Host, e.Status)
}

// Is reports whether a name of evidence is an address.
func Is(name string) bool {
	scheme, _, _ := strings.Cut(name, "://")
	return len(scheme) < len(name) && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}

// Nonce returns 32 random bytes, in hex.
func Nonce() string {
	var b [32]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// Client fetches evidence by its address.
type Client struct {
	Private   bool                   // whether addresses that are not public are fetched, too
	Transport func() *http.Transport // nil: the standard one; tests trust their own authority
}

// Answer is what a server sent.
type Answer struct {
	Data []byte
	SPKI []byte // DER; the key of the TLS connection that the data came by
}

// Fetch returns what is at an address, of limit bytes at most. A nonce, in hex, is
// added to the query as nonce. An address of a guest agent's method is asked as [agent]
// says.
func (c *Client) Fetch(ctx context.Context, at, nonce string, limit int64) (*Answer, error) {
	u, err := url.Parse(at)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("the address is not one, as https://HOST/PATH is")
	case u.Scheme != "https":
		return nil, errors.New("the address is not https; save what is there to a file, if the way to it does not matter")
	case u.User != nil:
		return nil, errors.New("the address has a credential in it, and none is sent; save what is there to a file")
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if agent(u) {
		return c.askAgent(ctx, u, nonce, limit)
	}
	if nonce != "" {
		q := u.Query()
		q.Set("nonce", nonce)
		u.RawQuery = q.Encode()
	}
	return c.ask(ctx, http.MethodGet, u, nil, limit)
}

// ask sends one request, and returns the answer if it is a good one.
func (c *Client) ask(ctx context.Context, method string, u *url.URL, body []byte, limit int64) (*Answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json, application/octet-stream")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.client().Do(req)
	if err != nil {
		var e *url.Error
		if errors.As(err, &e) {
			err = e.Err // its text repeats the address, and the nonce
		}
		return nil, fmt.Errorf("%s: %w", u.Host, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, &StatusError{u.Host, resp.StatusCode}
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", u.Host, err)
	case int64(len(data)) > limit:
		return nil, &LargeError{u.Host, limit}
	case resp.TLS == nil || len(resp.TLS.PeerCertificates) == 0:
		return nil, fmt.Errorf("%s: the answer came by no TLS connection", u.Host)
	}
	return &Answer{data, resp.TLS.PeerCertificates[0].RawSubjectPublicKeyInfo}, nil
}

func (c *Client) client() *http.Client {
	transport := &http.Transport{}
	if c.Transport != nil {
		transport = c.Transport()
	}
	dialer := &net.Dialer{Timeout: timeout, Control: c.control}
	transport.DialContext = dialer.DialContext
	transport.Proxy = nil
	transport.DisableKeepAlives = true
	transport.ForceAttemptHTTP2 = true
	transport.TLSHandshakeTimeout = timeout
	transport.MaxResponseHeaderBytes = maxHeader
	return &http.Client{Transport: transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		first := via[0].URL
		switch {
		case len(via) > redirects:
			return fmt.Errorf("more than %d redirects", redirects)
		case req.URL.Scheme != first.Scheme || req.URL.Host != first.Host:
			return &RedirectError{first.Host, req.URL.Host}
		}
		return nil
	}}
}

// control checks the address that a connection is about to be made to. The name is
// resolved by then, so its server can't answer differently later.
func (c *Client) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := at.Addr().Unmap(); !c.Private && !public(ip) {
		return &PrivateError{ip}
	}
	return nil
}

// special are the blocks that no public server has, besides those that [netip.Addr]
// knows.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("100.64.0.0/10"),   // shared by a carrier's customers
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // 6to4 relays
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("240.0.0.0/4"),     // reserved, and broadcast
	netip.MustParsePrefix("64:ff9b::/96"),    // IPv4 behind a translator
	netip.MustParsePrefix("64:ff9b:1::/48"),  // the same, local
	netip.MustParsePrefix("100::/64"),        // discarded
	netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("2002::/16"),       // 6to4: IPv4 inside
	netip.MustParsePrefix("fec0::/10"),       // site-local
}

func public(ip netip.Addr) bool {
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Zone() != "" {
		return false
	}
	for _, p := range special {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

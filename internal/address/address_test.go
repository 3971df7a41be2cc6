package address

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func server(t *testing.T, handler http.HandlerFunc) (*httptest.Server, *Client) {
	t.Helper()
	s := httptest.NewTLSServer(handler)
	t.Cleanup(s.Close)
	return s, &Client{Private: true, Transport: func() *http.Transport { return s.Client().Transport.(*http.Transport).Clone() }}
}

// TestFetch: answers at and above the bound, the nonce in the query, the server's key,
// and what is no address of evidence.
func TestFetch(t *testing.T) {
	const limit = 1 << 20
	s, c := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/nonce":
			w.Write([]byte(r.URL.Query().Get("nonce") + r.URL.Query().Get("x")))
		case "/at":
			w.Write(make([]byte, limit))
		case "/above":
			w.Write(make([]byte, limit+1))
		case "/moved":
			http.Redirect(w, r, "/nonce?x=moved", http.StatusFound)
		case "/3", "/2", "/1":
			http.Redirect(w, r, map[string]string{"/3": "/2", "/2": "/1", "/1": "/nonce?x=moved"}[r.URL.Path], http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/3", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	})
	if got, err := c.Fetch(context.Background(), s.URL+"/nonce?x=1", "abcd", limit); err != nil || string(got.Data) != "abcd1" || !bytes.Equal(got.SPKI, s.Certificate().RawSubjectPublicKeyInfo) {
		t.Errorf("%+v %v", got, err)
	}
	if got, err := c.Fetch(context.Background(), s.URL+"/moved", "", limit); err != nil || string(got.Data) != "moved" || !bytes.Equal(got.SPKI, s.Certificate().RawSubjectPublicKeyInfo) {
		t.Errorf("a redirect of the same server: %+v %v", got, err)
	}
	if got, err := c.Fetch(context.Background(), s.URL+"/3", "", limit); err != nil || string(got.Data) != "moved" {
		t.Errorf("three redirects: %+v %v", got, err)
	}
	if got, err := c.Fetch(context.Background(), s.URL+"/at", "", limit); err != nil || len(got.Data) != limit {
		t.Errorf("at the bound: %v", err)
	}
	var large *LargeError
	if _, err := c.Fetch(context.Background(), s.URL+"/above", "", limit); !errors.As(err, &large) {
		t.Errorf("above the bound: %v", err)
	}
	for path, want := range map[string]string{"/none": "status 404", "/loop": "more than 3 redirects"} {
		if _, err := c.Fetch(context.Background(), s.URL+path, "", limit); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	for at, want := range map[string]string{"http://example.org/": "not https", "https://u:secret@example.org/": "credential", "https:///x": "is not one", "https://%zz/": "is not one"} {
		if _, err := c.Fetch(context.Background(), at, "", limit); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", at, err)
		}
	}
	if _, err := (&Client{Private: true}).Fetch(context.Background(), s.URL+"/at", "", limit); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an authority that nobody trusts: %v", err)
	}
}

// TestNoOtherServer: neither a redirect nor a name leads to another server or into a private
// network, and nothing arrives there.
// SECURITY.md: E16.
func TestNoOtherServer(t *testing.T) {
	hits := 0
	inner, c := server(t, func(http.ResponseWriter, *http.Request) { hits++ })
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inner.URL+"/secret", http.StatusFound)
	}))
	t.Cleanup(s.Close)
	var redirect *RedirectError
	if _, err := c.Fetch(context.Background(), s.URL, "", 100); !errors.As(err, &redirect) {
		t.Errorf("a redirect elsewhere: %v", err)
	}
	c.Private = false
	for _, at := range []string{inner.URL, strings.Replace(inner.URL, "127.0.0.1", "localhost", 1), strings.Replace(inner.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1)} {
		var private *PrivateError
		if _, err := c.Fetch(context.Background(), at, "", 100); !errors.As(err, &private) {
			t.Errorf("%s: %v", at, err)
		}
	}
	if hits != 0 {
		t.Errorf("%d requests arrived", hits)
	}
}

// TestPublic: which addresses are public.
// SECURITY.md: E16.
func TestPublic(t *testing.T) {
	for ip, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "2606:4700::1111": true, "127.0.0.1": false, "10.0.0.1": false, "172.16.0.1": false, "172.32.0.1": true,
		"192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false, "100.128.0.1": true, "0.0.0.0": false, "224.0.0.1": false, "255.255.255.255": false,
		"::1": false, "::": false, "fe80::1": false, "fc00::1": false, "fd00:ec2::254": false, "ff02::1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001:db8::1": false,
		"192.0.2.1": false, "198.18.0.1": false, "198.51.100.1": false, "203.0.113.1": false, "240.0.0.1": false, "192.0.0.1": false, "192.88.99.1": false, "100::1": false, "2001::1": false, "fec0::1": false, "64:ff9b:1::1": false,
	} {
		if got := public(netip.MustParseAddr(ip).Unmap()); got != want {
			t.Errorf("%s is public: %v", ip, got)
		}
	}
}

// TestNonce: two are not the same.
func TestNonce(t *testing.T) {
	if a, b := Nonce(), Nonce(); a == b || len(a) != 64 {
		t.Error(a, b)
	}
}

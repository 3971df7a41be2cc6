package address

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gitlauncher/internal/gittest"
)

// TestAgent: a guest agent's method is asked for a quote over the nonce, and Info beside it,
// within one bound. Any other address is asked as a page is.
func TestAgent(t *testing.T) {
	var asked []string
	s, c := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, fmt.Sprintf("%s %s %s", r.Method, r.URL, body))
		fmt.Fprintf(w, `{"at":%q}`, r.URL.Path)
	})
	nonce := strings.Repeat("ab", 32)
	want := []string{
		`POST /v1/Attest {"report_data":"` + nonce + strings.Repeat("0", 64) + `"}`,
		`POST /v1/Info {}`,
	}
	got, err := c.Fetch(t.Context(), s.URL+"/v1/Attest", nonce, 100)
	if err != nil || string(got.Data) != `{"at":"/v1/Attest"}`+"\n"+`{"at":"/v1/Info"}` {
		t.Errorf("%q %v", got, err)
	}
	if fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("asked\n%q, not\n%q", asked, want)
	}
	asked = nil
	if _, err := c.Fetch(t.Context(), s.URL+"/GetQuotes", "", 100); err != nil || asked[0] != "GET /GetQuotes " {
		t.Errorf("%q %v", asked, err)
	}
	asked = nil
	if _, err := c.Fetch(t.Context(), s.URL+"/GetQuote", "", 100); err != nil || !json.Valid([]byte(strings.TrimPrefix(asked[0], "POST /GetQuote "))) || asked[1] != "POST /Info {}" {
		t.Errorf("%q %v", asked, err)
	}
	var large *LargeError
	if _, err := c.Fetch(t.Context(), s.URL+"/GetQuote", "", int64(len(`{"at":"/GetQuote"}`+`{"at":"/Info"}`))-1); !errors.As(err, &large) {
		t.Errorf("more than the bound together: %v", err)
	}
	if _, err := c.Fetch(t.Context(), s.URL+"/GetQuote", strings.Repeat("ab", 65), 100); err == nil || !strings.Contains(err.Error(), "64 bytes") {
		t.Errorf("a nonce without room: %v", err)
	}
}

// TestAgentOfTwo: a quote of one server and Info of another are not put together. The two
// share an address here, as two behind one balancer do.
// SECURITY.md: E16.
func TestAgentOfTwo(t *testing.T) {
	authority, err := gittest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	var keys []tls.Certificate
	for range 2 {
		cert, _, _, err := authority.Issue("127.0.0.1", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, cert)
	}
	var connections atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") }))
	s.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: keys[(connections.Add(1)-1)%2:][:1]}, nil
	}}
	s.StartTLS()
	t.Cleanup(s.Close)
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority.PEM)
	c := &Client{Private: true, Transport: func() *http.Transport {
		return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}
	}}
	if _, err := c.Fetch(t.Context(), s.URL+"/GetQuote", "", 100); !errors.Is(err, ErrOtherKey) {
		t.Errorf("%v", err)
	}
}

package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/internal/gittest"
)

// TestHeard: what the peer said before it closed the connection is read, even after a write
// that failed.
func TestHeard(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		io.WriteString(c, "no, because")
		io.ReadFull(c, make([]byte, 1)) // leaves the rest unread, so that the close is a reset
		c.Close()
	}()
	c, err := heard(new(net.Dialer).DialContext)(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	inner := c.(*heardConn).Conn
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := inner.Write([]byte("words")); errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
			break
		} else if err != nil || time.Now().After(end) {
			t.Fatalf("the connection does not break: %v", err)
		}
	}
	for range 2 {
		if n, err := c.Write([]byte("words")); n != 5 || err != nil {
			t.Fatalf("a write on the broken connection: %d, %v", n, err)
		}
	}
	if said, err := io.ReadAll(c); string(said) != "no, because" {
		t.Errorf("the peer said %q, %v", said, err)
	}
	c.Close()
	if _, err := (&heardConn{Conn: inner}).Write([]byte("words")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a write on a connection that was closed here: %v", err)
	}
}

// slow is a connection on which every write after the first two waits, long enough for the
// server's answer to the writes before. The first write is the ClientHello.
type slow struct {
	net.Conn
	writes int
}

func (s *slow) Write(b []byte) (int, error) {
	if s.writes++; s.writes > 2 {
		time.Sleep(100 * time.Millisecond)
	}
	return s.Conn.Write(b)
}

// TestRefusedCertificate: a client certificate that the server refuses is the error,
// however late the request is written.
func TestRefusedCertificate(t *testing.T) {
	authority, err := gittest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := gittest.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	host, _, _, err := authority.Issue("127.0.0.1", now.Add(-time.Hour), now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	_, cert, key, err := stranger.Issue("client", now.Add(-time.Hour), now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority.PEM)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{host}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: roots, NextProtos: []string{"h2", "http/1.1"}}
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()

	file := func(name string, data []byte) string {
		at := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(at, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return at
	}
	conf, err := credential.Credentials{TLSCAFile: file("ca.pem", authority.PEM), TLSCertFile: file("cert.pem", cert), TLSKeyFile: file("key.pem", key)}.TLS()
	if err != nil {
		t.Fatal(err)
	}
	repo, err := config.ParseRepoURL(server.URL + "/x")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		w, err := openWeb(t.Context(), repo, credential.Login{}, conf, NewPulse(time.Minute, func() {}))
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 { // the first try is without delays
			w.own.DialContext = heard(func(ctx context.Context, network, addr string) (net.Conn, error) {
				c, err := new(net.Dialer).DialContext(ctx, network, addr)
				return &slow{Conn: c}, err
			})
		}
		_, err = w.References("HEAD")
		var refused *ClientCertError
		if !errors.As(err, &refused) || !refused.Had {
			t.Errorf("try %d: %v", i, err)
		}
		w.Close()
	}
}

package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"testing"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/answer"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/fetch/uploadpack"
)

// TestExplain: what an error of a connection means if the server asked for a client
// certificate, and if it got one.
func TestExplain(t *testing.T) {
	alert := &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")}
	reading := &net.OpError{Op: "read", Err: io.ErrUnexpectedEOF}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name        string
		ctx         context.Context
		asked, cert bool
		err, want   error
	}{
		{"an alert, after asking for a certificate", t.Context(), true, false, alert, &ClientCertError{false, alert}},
		{"a break, after asking for a certificate", t.Context(), true, false, reading, &ClientCertError{false, reading}},
		{"a fault of the machine, after asking for a certificate", t.Context(), true, false, fmt.Errorf("dial: %w", errMachine), fmt.Errorf("dial: %w", errMachine)},
		{"an alert for the certificate", t.Context(), true, true, alert, &ClientCertError{true, alert.Err}},
		{"a break, with a certificate", t.Context(), true, true, reading, reading},
		{"an alert that no certificate was asked for", t.Context(), false, true, alert, alert},
		{"no HTTP", t.Context(), false, false, errors.New(`malformed HTTP response "x"`), ErrNoHTTP},
		{"a signal", ended, true, false, alert, alert},
	} {
		w := &Web{ctx: c.ctx, cert: c.cert}
		w.asked.Store(c.asked)
		got := w.explain(c.err)
		var refused, want *ClientCertError
		if got.Error() != c.want.Error() || errors.As(got, &refused) != errors.As(c.want, &want) || refused != nil && refused.Had != want.Had {
			t.Errorf("%s: %v; want %v", c.name, got, c.want)
		}
	}
}

// TestSpeaksFirst: a server that speaks before it is asked does not speak HTTP, whether its
// greeting arrives before the request is written or after.
func TestSpeaksFirst(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "220 mail.example.org\r\n")
			defer c.Close()
		}
	}()
	repo, err := config.ParseRepoURL("http://" + l.Addr().String() + "/r.git")
	if err != nil {
		t.Fatal(err)
	}
	for _, wait := range []time.Duration{0, 100 * time.Millisecond} {
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { time.Sleep(wait) }})
		w, err := openWeb(ctx, repo, credential.Login{}, credential.TLS{}, NewPulse(time.Minute, func() {}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.References(""); !errors.Is(err, ErrNoHTTP) {
			t.Errorf("after %v: %v", wait, err)
		}
		w.Close()
	}
}

// TestRefusedByProxy: every answer to CONNECT except 200 is a refusal.
func TestRefusedByProxy(t *testing.T) {
	if err := refusedByProxy(&http.Response{StatusCode: 200}); err != nil {
		t.Error(err)
	}
	for status, says := range map[int]string{407: "the proxy wants a login, or another one (HTTP 407)", 502: "the proxy makes no connection to the host: bad gateway (HTTP 502)", 201: "the proxy makes no connection to the host: created (HTTP 201)"} {
		var refused *ProxyRefusal
		if err := refusedByProxy(&http.Response{StatusCode: status}); !errors.As(err, &refused) || refused.Status != status || err.Error() != says {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// TestAnswered: after which errors the references are asked for, because the server has
// answered, and after which they are not.
func TestAnswered(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&answer.Error{Status: 400}, true}, {&answer.Error{Status: 403}, true}, {&answer.Error{Status: 404}, true}, {&answer.Error{Status: 200}, true},
		{&answer.Error{Status: 401}, false}, {&answer.Error{Status: 407}, false}, {&answer.Error{Status: 503}, false}, {&answer.Error{Status: 403, Waits: true}, false},
		{&answer.EndedError{}, true}, {&uploadpack.ProtocolError{What: "x"}, true}, {io.ErrUnexpectedEOF, true}, {io.EOF, false}, {errors.New("x"), false},
	} {
		if got := new(Web).Answered(fmt.Errorf("asking: %w", c.err)); got != c.want {
			t.Errorf("%#v: %v", c.err, got)
		}
	}
}

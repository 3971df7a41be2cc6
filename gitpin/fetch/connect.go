package fetch

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// clientCertError is a TLS server that asked for a certificate of ours, and ended the
// connection for what it got.
type clientCertError struct {
	had bool
	err error
}

func (e *clientCertError) Unwrap() error { return e.err }
func (e *clientCertError) Error() string {
	if e.had {
		return "the server refuses the client certificate: " + e.err.Error()
	}
	return "the server wants a client certificate, and the config names none: " + e.err.Error()
}

// proxyRefusal is a proxy that makes no connection.
type proxyRefusal struct {
	status int
	text   string
}

func (e *proxyRefusal) Error() string {
	if e.status == http.StatusProxyAuthRequired {
		return "the proxy wants a login, or another one (HTTP 407)"
	}
	return fmt.Sprintf("the proxy makes no connection to the host: %s (HTTP %d)", strings.ToLower(e.text), e.status)
}

func (e *proxyRefusal) reason() Error {
	r := Error{Reason: Proxy, Err: e}
	if passes(e.status) {
		r.tries = -1 // a gateway that can't reach the host yet
	}
	return r
}

// explain says what an error of a connection means, where its text does not.
func (w *web) explain(err error) error {
	var op *net.OpError
	switch {
	case w.ctx.Err() != nil:
		return err
	case w.asked.Load() && !w.cert && !errors.Is(err, errMachine):
		return &clientCertError{false, err}
	case w.asked.Load() && errors.As(err, &op) && op.Op == "remote error":
		return &clientCertError{true, op.Err}
	case strings.Contains(err.Error(), "malformed HTTP"): // the library has no type for it
		return errNoHTTP
	}
	return err
}

// refusedByProxy makes an error of a proxy's answer to CONNECT.
func refusedByProxy(res *http.Response) error {
	if res.StatusCode == http.StatusOK {
		return nil
	}
	return &proxyRefusal{res.StatusCode, http.StatusText(res.StatusCode)}
}

package remote

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// ClientCertError is a TLS server that asked for a client certificate and then ended the
// connection.
type ClientCertError struct {
	Had bool // whether the client has a certificate
	Err error
}

func (e *ClientCertError) Unwrap() error { return e.Err }
func (e *ClientCertError) Error() string {
	if e.Had {
		return "the server refuses the client certificate: " + e.Err.Error()
	}
	return "the server wants a client certificate, and the config names none: " + e.Err.Error()
}

// ProxyRefusal is a proxy that refuses to connect to the host.
type ProxyRefusal struct {
	Status int    // an HTTP status
	Text   string // what the status means
}

func (e *ProxyRefusal) Error() string {
	if e.Status == http.StatusProxyAuthRequired {
		return "the proxy wants a login, or another one (HTTP 407)"
	}
	return fmt.Sprintf("the proxy makes no connection to the host: %s (HTTP %d)", strings.ToLower(e.Text), e.Status)
}

// spokeFirst is in net/http's error if the server said something before it was asked, as
// servers of SSH and mail do. Neither that error nor "malformed HTTP" has a type.
const spokeFirst = "readLoopPeekFailLocked: %!w(<nil>)"

// explain returns a clearer error if the text of err does not say what it means.
func (w *Web) explain(err error) error {
	var op *net.OpError
	switch {
	case w.ctx.Err() != nil:
		return err
	case w.asked.Load() && !w.cert && !errors.Is(err, errMachine):
		return &ClientCertError{false, err}
	case w.asked.Load() && errors.As(err, &op) && op.Op == "remote error":
		return &ClientCertError{true, op.Err}
	case strings.Contains(err.Error(), "malformed HTTP"), strings.Contains(err.Error(), spokeFirst):
		return ErrNoHTTP
	}
	return err
}

// refusedByProxy returns a proxy's answer to CONNECT as an error, unless it is 200.
func refusedByProxy(res *http.Response) error {
	if res.StatusCode == http.StatusOK {
		return nil
	}
	return &ProxyRefusal{res.StatusCode, http.StatusText(res.StatusCode)}
}

// Ports at which something else answers.
var (
	ErrNoHTTP = errors.New("the server does not speak HTTP at this port")
	ErrNoTLS  = errors.New("the server does not speak TLS at this port")
)

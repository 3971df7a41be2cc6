package remote

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
)

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// heard makes connections whose peer is read to its last byte. A server that refuses sends
// its reason and closes. The client's next write then fails, and a client that looks at the
// failed write alone never reads the reason. In TLS 1.3 this happens to the alert about a
// client certificate: when it arrives, the client has finished the handshake and is sending
// its request already.
//
// The HTTP/2 client of package net/http drops an alert that arrives before its first
// request. That is why a connection with a client certificate speaks HTTP/1.1.
func heard(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &heardConn{Conn: c}, nil
	}
}

// heardConn reports a write as done even if the peer has closed. The reader then gets what
// the peer said before, and after that the end of the connection.
type heardConn struct {
	net.Conn
	broken atomic.Bool
}

func (c *heardConn) Write(b []byte) (int, error) {
	if c.broken.Load() {
		return len(b), nil
	}
	n, err := c.Conn.Write(b)
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		c.broken.Store(true)
		return len(b), nil
	}
	return n, err
}

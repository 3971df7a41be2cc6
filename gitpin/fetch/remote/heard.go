package remote

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
)

type dialFunc = func(ctx context.Context, network, addr string) (net.Conn, error)

// heard makes connections on which the peer is heard to its end. A server that refuses
// sends its reason and closes; what the client still writes then breaks, and a client
// that looks at the write alone loses the reason. In TLS 1.3 that is the alert about a
// client certificate: the client has finished the handshake by then, and asks already.
//
// The HTTP/2 client of package net/http drops an alert that comes before its first
// request, so that a connection with a client certificate speaks HTTP/1.1.
func heard(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &heardConn{Conn: c}, nil
	}
}

// heardConn takes a write that the peer broke for written: the reader gets what the peer
// said before, and then the end of the connection.
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

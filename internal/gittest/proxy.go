package gittest

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"

	"gitlauncher/internal/gittest/habit"
)

// Proxy is a real proxy: plain HTTP and CONNECT by ServeHTTP, SOCKS5 by StartSOCKS. It
// knows the names in Hosts, and connects to all others as they are.
type Proxy struct {
	Hosts  map[string]string // "name:port" to "address:port"
	Login  string            // "user:password" that every request needs, if set
	Status int               // what CONNECT answers instead of a connection, if set

	mu   sync.Mutex
	seen []string
}

// Seen returns the requests to the proxy since the last call.
func (p *Proxy) Seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.seen
	p.seen = nil
	return s
}

func (p *Proxy) note(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = append(p.seen, what)
}

func (p *Proxy) dial(host string) (net.Conn, error) {
	if to, ok := p.Hosts[host]; ok {
		host = to
	}
	return net.Dial("tcp", host)
}

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.note(r.Method + " " + r.RequestURI)
	if p.Login != "" && r.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(p.Login)) {
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		habit.Refuse(w, http.StatusProxyAuthRequired, "who are you")
		return
	}
	if r.Method == http.MethodConnect {
		p.connect(w, r)
		return
	}
	r.RequestURI = ""
	r.Header.Del("Proxy-Authorization")
	r.Header.Del("Proxy-Connection")
	res, err := (&http.Transport{
		DisableCompression: true, DisableKeepAlives: true,
		DialContext: func(_ context.Context, _, addr string) (net.Conn, error) { return p.dial(addr) },
	}).RoundTrip(r)
	if err != nil {
		habit.Refuse(w, http.StatusBadGateway, "no such host")
		return
	}
	defer res.Body.Close()
	for k, v := range res.Header {
		w.Header()[k] = v
	}
	w.WriteHeader(res.StatusCode)
	io.Copy(w, res.Body)
}

func (p *Proxy) connect(w http.ResponseWriter, r *http.Request) {
	if p.Status != 0 {
		habit.Refuse(w, p.Status, "not through here")
		return
	}
	to, err := p.dial(r.Host)
	if err != nil {
		habit.Refuse(w, http.StatusBadGateway, "no such host")
		return
	}
	from, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		to.Close()
		return
	}
	io.WriteString(from, "HTTP/1.1 200 Connection established\r\n\r\n")
	join(from, to)
}

// join carries bytes both ways until one end is gone.
func join(a, b net.Conn) {
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		go func() {
			io.Copy(way[0], way[1])
			done <- struct{}{}
		}()
	}
	<-done
	a.Close()
	b.Close()
}

// Start serves HTTP on a port of loopback, and returns host:port.
func (p *Proxy) Start() (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: p}
	go server.Serve(l)
	return l.Addr().String(), func() { server.Close() }, nil
}

// StartSOCKS serves SOCKS5 (RFC 1928) without a login, for names and IPv4 addresses.
func (p *Proxy) StartSOCKS() (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				if err := p.socks(c); err != nil {
					c.Close()
				}
			}()
		}
	}()
	return l.Addr().String(), func() { l.Close() }, nil
}

func (p *Proxy) socks(c net.Conn) error {
	head := make([]byte, 2)
	if _, err := io.ReadFull(c, head); err != nil || head[0] != 5 {
		return errors.New("no SOCKS5")
	}
	if _, err := io.ReadFull(c, make([]byte, head[1])); err != nil {
		return err
	}
	c.Write([]byte{5, 0})
	req := make([]byte, 5)
	if _, err := io.ReadFull(c, req); err != nil || req[1] != 1 {
		return errors.New("no connection asked for")
	}
	var host string
	switch req[3] {
	case 1:
		rest := make([]byte, 3)
		if _, err := io.ReadFull(c, rest); err != nil {
			return err
		}
		host = net.IP(append(req[4:5:5], rest...)).String()
	case 3:
		name := make([]byte, req[4])
		if _, err := io.ReadFull(c, name); err != nil {
			return err
		}
		host = string(name)
	default:
		return errors.New("an address of another kind")
	}
	var port [2]byte
	if _, err := io.ReadFull(c, port[:]); err != nil {
		return err
	}
	host = net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(port[:]))))
	p.note("SOCKS " + host)
	to, err := p.dial(host)
	if err != nil {
		c.Write([]byte{5, 4, 0, 1, 0, 0, 0, 0, 0, 0})
		return err
	}
	c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	join(c, to)
	return nil
}

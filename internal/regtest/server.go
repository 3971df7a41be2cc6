package regtest

import (
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/registry"
)

// Server is a registry on loopback that misbehaves on demand. It records its requests,
// credentials included.
type Server struct {
	Host string // 127.0.0.1:PORT

	// Password, if set, makes it ask for a token. /token returns one for user:Password,
	// which is good for TokenUses requests (0: forever).
	Password  string
	TokenUses int

	mu       sync.Mutex
	faults   []*Fault
	requests []Request
	tokens   map[string]int
	next     http.Handler
}

// Request is a request that the server got.
type Request struct{ Method, Path, Authorization string }

// Fault is what goes wrong: Kind, at requests whose path contains Path, Times times (0:
// always). Kinds: a status (404, 429, 503), other-bytes, truncate, hang, drop,
// redirect=URL (to which the path is added), type=CONTENT-TYPE, garbage, huge, echo
// (403 with the request's credential in the text).
type Fault struct {
	Kind, Path string
	Times      int
}

// ParseFault reads KIND[@PATH][*TIMES].
func ParseFault(s string) (*Fault, error) {
	f := &Fault{}
	rest, times, counted := strings.Cut(s, "*")
	f.Kind, f.Path, _ = strings.Cut(rest, "@")
	var err error
	if counted {
		f.Times, err = strconv.Atoi(times)
	}
	return f, err
}

// Start serves a fresh registry until stop is called.
func Start(s *Server) (stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.Host, s.tokens = l.Addr().String(), make(map[string]int)
	s.next = registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := &http.Server{Handler: s}
	go server.Serve(l)
	return func() { server.Close() }, nil
}

// Misbehave sets what goes wrong from now on.
func (s *Server) Misbehave(faults ...*Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = faults
}

// Requests returns the requests since the last call.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.requests
	s.requests = nil
	return r
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, Request{r.Method, r.URL.Path, r.Header.Get("Authorization")})
	s.mu.Unlock()
	if r.URL.Path == "/token" {
		s.token(w, r)
		return
	}
	if s.Password != "" && !s.admitted(r) {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="regtest"`, s.Host))
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`, http.StatusUnauthorized)
		return
	}
	if f := s.fault(r); f != nil {
		s.misbehave(f, w, r)
		return
	}
	s.next.ServeHTTP(w, r)
}

// token returns a token to anyone who has the password, such as the tests that push.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if _, p, _ := r.BasicAuth(); p != s.Password {
		http.Error(w, `{"errors":[{"code":"UNAUTHORIZED","message":"wrong password"}]}`, http.StatusUnauthorized)
		return
	}
	token := rand.Text()
	s.mu.Lock()
	s.tokens[token] = s.TokenUses
	s.mu.Unlock()
	fmt.Fprintf(w, `{"token":%q}`, token)
}

func (s *Server) admitted(r *http.Request) bool {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	left, ok := s.tokens[token]
	if !ok {
		return false
	}
	if s.TokenUses > 0 {
		if left == 0 {
			delete(s.tokens, token)
			return false
		}
		s.tokens[token] = left - 1
	}
	return true
}

func (s *Server) fault(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if (r.Method != http.MethodGet && r.Method != http.MethodHead) || !strings.Contains(r.URL.Path, f.Path) || r.URL.Path == "/v2/" && f.Path == "" {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
			}
		}
		return f
	}
	return nil
}

func (s *Server) misbehave(f *Fault, w http.ResponseWriter, r *http.Request) {
	kind, value, _ := strings.Cut(f.Kind, "=")
	real := func() (*http.Response, []byte) {
		rec := httptest.NewRecorder()
		s.next.ServeHTTP(rec, r)
		res := rec.Result()
		body, _ := io.ReadAll(res.Body)
		return res, body
	}
	send := func(res *http.Response, length int, body []byte) {
		for k, v := range res.Header {
			w.Header()[k] = v
		}
		w.Header().Set("Content-Length", strconv.Itoa(length))
		w.WriteHeader(res.StatusCode)
		if r.Method != http.MethodHead {
			w.Write(body)
		}
	}
	switch kind {
	case "other-bytes":
		res, body := real()
		if len(body) > 0 {
			body[len(body)/2] ^= 1
		}
		send(res, len(body), body)
	case "truncate":
		res, body := real()
		send(res, len(body), body[:len(body)/2])
	case "hang":
		<-r.Context().Done()
	case "drop":
		panic(http.ErrAbortHandler)
	case "redirect":
		http.Redirect(w, r, value+r.URL.Path, http.StatusTemporaryRedirect)
	case "type":
		res, body := real()
		res.Header.Set("Content-Type", value)
		send(res, len(body), body)
	case "garbage":
		io.WriteString(w, "<html>\x1b[31mproxy\x00</html>")
	case "huge":
		w.WriteHeader(http.StatusOK)
		block := make([]byte, 1<<20)
		for range 64 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	case "echo":
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"errors":[{"code":"DENIED","message":"you sent %s\n\u001b[31m"}]}`, r.Header.Get("Authorization"))
	default:
		status, err := strconv.Atoi(kind)
		if err != nil {
			panic("regtest: no such fault: " + f.Kind)
		}
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(status)
		fmt.Fprint(w, `{"errors":[{"code":"TESTED","message":"misbehaving as told"}]}`)
	}
}

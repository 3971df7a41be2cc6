package gittest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"gitlauncher/internal/gittest/habit"
)

// Request is one request that a server got.
type Request struct {
	Method, URL   string
	Authorization bool // whether a credential came along
	Authorized    bool // whether it was the right one
}

func (r Request) String() string {
	return fmt.Sprintf("%s %s authorization=%t", r.Method, r.URL, r.Authorization)
}

// Server is a smart-HTTP Git server for a directory of repositories.
type Server struct {
	Root     string
	Password string        // if set, the basic-auth password that every request needs
	Canned   bool          // answer each upload-pack request with what Git answered the first time
	Log      io.Writer     // if set, gets one line for each request
	Habits   []habit.Habit // the first is the outermost

	mu       sync.Mutex
	faults   []Fault
	requests []Request
	asked    bool // for references
	answers  map[string][]byte
}

// Misbehave replaces the faults.
func (s *Server) Misbehave(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = faults
}

// Requests returns the requests since the last call.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.requests
	s.requests = nil
	return out
}

// fault returns the fault for the next request.
func (s *Server) fault() Fault {
	for i := range s.faults {
		f := &s.faults[i]
		switch {
		case f.Times == 0:
			return *f
		case f.Times > 0:
			if f.Times--; f.Times == 0 {
				f.Times = -1 // used up
			}
			return *f
		}
	}
	return Fault{}
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, password, sent := r.BasicAuth()
	req := Request{r.Method, r.URL.RequestURI(), sent, sent && password == s.Password}
	s.mu.Lock()
	s.requests = append(s.requests, req)
	fault := s.fault()
	if s.asked = s.asked || r.Method == http.MethodGet; fault.Kind == "refs-first" && !s.asked {
		fault = Fault{Kind: "status", Arg: "400"}
	}
	if s.Log != nil {
		fmt.Fprintln(s.Log, req)
	}
	s.mu.Unlock()
	if s.Password != "" && !req.Authorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if fault.early(w, r) {
		return
	}
	if fault.Kind == "dumb" {
		http.FileServer(http.Dir(s.Root)).ServeHTTP(w, r)
		return
	}
	if fault.Kind == "" && !s.Canned {
		s.git().ServeHTTP(w, r)
		return
	}
	body := s.answer(w, r)
	fault.late(w, r, body)
}

// answer returns Git's answer, or the one that Git gave to the same request before.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) []byte {
	request, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(request))
	key := strings.Join([]string{r.Method, r.URL.RequestURI(), r.Header.Get("Git-Protocol"), string(request)}, "\n")
	s.mu.Lock()
	body, known := s.answers[key]
	s.mu.Unlock()
	if s.Canned && known {
		w.Header().Set("Content-Type", strings.Replace("application/x-git-upload-pack-result", "result", map[string]string{"GET": "advertisement", "POST": "result"}[r.Method], 1))
		return body
	}
	rec := httptest.NewRecorder()
	s.git().ServeHTTP(rec, r)
	for k, v := range rec.Header() {
		if k != "Content-Length" {
			w.Header()[k] = v
		}
	}
	w.WriteHeader(rec.Code)
	body = rec.Body.Bytes()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answers == nil {
		s.answers = make(map[string][]byte)
	}
	s.answers[key] = body
	return append([]byte(nil), body...)
}

func (s *Server) git() *cgi.Handler {
	return &cgi.Handler{
		Path: "/usr/bin/git", Args: []string{"-c", "safe.directory=*", "http-backend"}, Dir: s.Root,
		Env:    append(Env(), "GIT_PROJECT_ROOT="+s.Root, "GIT_HTTP_EXPORT_ALL=1"),
		Stderr: io.Discard,
	}
}

// handler returns the server with its habits, which are for version 0 of the protocol.
func (s *Server) handler() http.Handler {
	if len(s.Habits) == 0 {
		return s
	}
	h := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Git-Protocol")
		s.ServeHTTP(w, r)
	}))
	for _, changed := range slices.Backward(s.Habits) {
		h = changed(h)
	}
	return h
}

// StartTLS serves over HTTPS with that certificate.
func (s *Server) StartTLS(addr string, cert tls.Certificate) (url string, stop func(), err error) {
	return s.StartTLSConfig(addr, &tls.Config{Certificates: []tls.Certificate{cert}})
}

// StartTLSConfig serves over HTTPS with that configuration.
func (s *Server) StartTLSConfig(addr string, conf *tls.Config) (url string, stop func(), err error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: s.handler(), TLSConfig: conf, ErrorLog: log.New(io.Discard, "", 0)}
	go server.ServeTLS(l, "", "")
	return "https://" + l.Addr().String(), func() { server.Close() }, nil
}

// Start serves on an address, "127.0.0.1:0" for any port, and returns the base URL.
func (s *Server) Start(addr string) (url string, stop func(), err error) {
	if _, err := os.Stat("/usr/bin/git"); err != nil {
		return "", nil, errors.New("git is not installed")
	}
	if s.Root, err = filepath.Abs(s.Root); err != nil {
		return "", nil, err
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: s.handler()}
	go server.Serve(l)
	return "http://" + l.Addr().String(), func() { server.Close() }, nil
}

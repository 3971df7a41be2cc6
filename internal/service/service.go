package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/semaphore"

	"gitlauncher/internal/offline"
	"gitlauncher/internal/printable"
	"gitlauncher/internal/strictjson"
)

// The bounds.
const (
	MaxBody     = 16 << 20 // bytes of one request: evidence and collateral, even if JSON quotes them
	maxTogether = 32 << 20 // bytes of all requests that are being judged
	maxConns    = 512
	maxHeader   = 16 << 10         // bytes
	timeout     = 30 * time.Second // of a request, from its first byte to its last, and of the answer
	patience    = 5 * time.Second  // that a request waits for a processor
)

// Config says how a service is started.
type Config struct {
	Root []byte            // PEM; trusted instead of Intel's. nil: Intel's
	Page map[string][]byte // files of the page by name; nil: there is none
	Now  func() time.Time
}

// Service is an [http.Handler].
type Service struct {
	Config
	room    *semaphore.Weighted // bytes of bodies
	cores   *semaphore.Weighted
	metrics *metrics
	mux     *http.ServeMux
}

// New returns a service.
func New(c Config) *Service {
	s := &Service{Config: c, room: semaphore.NewWeighted(maxTogether), cores: semaphore.NewWeighted(int64(runtime.GOMAXPROCS(0))), metrics: newMetrics(), mux: http.NewServeMux()}
	s.mux.HandleFunc("POST /v1/verify", s.verify)
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	s.mux.Handle("GET /metrics", s.metrics.handler())
	s.mux.HandleFunc("GET /{$}", s.page("index.html", "text/html; charset=utf-8"))
	s.mux.HandleFunc("GET /THIRD-PARTY-LICENSES", s.page("THIRD-PARTY-LICENSES", "text/plain; charset=utf-8"))
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "frame-ancestors 'none'")
	s.mux.ServeHTTP(w, r)
}

// Serve answers on a listener until the context ends.
func (s *Service) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: s, ReadTimeout: timeout, WriteTimeout: timeout, IdleTimeout: timeout, MaxHeaderBytes: maxHeader}
	stop := context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		server.Shutdown(late)
	})
	defer stop()
	if err := server.Serve(netutil.LimitListener(l, maxConns)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *Service) page(name, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		data, ok := s.Page[name]
		if !ok {
			http.Error(w, "there is no page here: start git-launcher-verify serve with --page DIR", http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Type", kind)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}
}

// request is what is judged. Evidence and collateral are JSON as they were found, or a
// string that holds it.
type request struct {
	Evidence   json.RawMessage `json:"evidence"`
	Policy     string          `json:"policy"`
	Collateral json.RawMessage `json:"collateral"`
	At         string          `json:"at"` // RFC 3339; empty: now
}

func (s *Service) verify(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	switch {
	case r.ContentLength < 0:
		s.refuse(w, http.StatusLengthRequired, "the request does not say how long it is (Content-Length)")
		return
	case r.ContentLength > MaxBody:
		s.refuse(w, http.StatusRequestEntityTooLarge, "the request is larger than "+strconv.Itoa(MaxBody>>20)+" MiB")
		return
	case !s.room.TryAcquire(r.ContentLength):
		s.busy(w)
		return
	}
	defer s.room.Release(r.ContentLength)
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		s.refuse(w, http.StatusBadRequest, "the request ended before the end that it announced")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	if s.cores.Acquire(ctx, 1) != nil {
		s.busy(w)
		return
	}
	defer s.cores.Release(1)
	text, code, err := s.judge(r.Context(), body)
	s.metrics.judged(code, time.Since(began))
	if err != nil {
		status := map[bool]int{true: http.StatusUnprocessableEntity, false: http.StatusBadRequest}[code == exitInvalid]
		answer(w, status, map[string]any{"error": err.Error(), "exit_code": code})
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(text)
}

// The command's exit codes where there is no report.
const (
	exitUsage   = 2
	exitInvalid = 3
)

// judge returns a report's JSON and exit code.
func (s *Service) judge(ctx context.Context, body []byte) ([]byte, int, error) {
	var q request
	if err := strictjson.Unmarshal(body, &q); err != nil {
		return nil, exitUsage, fmt.Errorf("the request: %w", err)
	}
	known := json.NewDecoder(bytes.NewReader(body))
	known.DisallowUnknownFields() // a misspelled policy would expect nothing
	if err := known.Decode(&q); err != nil {
		return nil, exitUsage, fmt.Errorf("the request: %w", err)
	}
	at := s.Now().UTC().Truncate(time.Second)
	if q.At != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, q.At); err != nil {
			return nil, exitUsage, errors.New("at is not a time of RFC 3339, as in 2026-08-20T00:00:00Z")
		}
	}
	var files []offline.File
	add := func(name string, role offline.Role, data []byte) {
		if len(data) > 0 {
			files = append(files, offline.File{Name: name, Role: role, Data: data})
		}
	}
	add("policy", offline.Policy, []byte(q.Policy))
	add("root", offline.Root, s.Root)
	add("collateral", offline.Collateral, inner(q.Collateral))
	add("evidence", offline.Evidence, inner(q.Evidence))
	report, err := offline.Judge(ctx, files, at)
	var invalid *offline.InvalidError
	switch {
	case errors.As(err, &invalid):
		return nil, exitInvalid, err
	case err != nil:
		return nil, exitUsage, err
	}
	text, err := printable.Document(report)
	return text, report.ExitCode, err
}

// inner returns the text that a JSON string holds, or JSON that is no string as it is.
// It returns nil for null.
func inner(data json.RawMessage) []byte {
	var text string
	switch {
	case string(data) == "null":
		return nil
	case json.Unmarshal(data, &text) == nil:
		return []byte(text)
	}
	return data
}

func (s *Service) busy(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	s.refuse(w, http.StatusServiceUnavailable, "as much is being judged as this service has room for; come again")
}

func (s *Service) refuse(w http.ResponseWriter, status int, why string) {
	s.metrics.refused(status)
	answer(w, status, map[string]any{"error": why})
}

func answer(w http.ResponseWriter, status int, v any) {
	text, err := printable.Document(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text)
}

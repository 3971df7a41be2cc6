package attest

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"gitlauncher/internal/receipt"
	"gitlauncher/internal/spki"
	"gitlauncher/measure"
)

// The bounds.
const (
	perSecond = 10 // receipts
	burst     = 20
	together  = 2                // receipts that the guest agent makes at a time
	patience  = 20 * time.Second // that a receipt may take, the wait for its turn included
	sending   = 10 * time.Second // that an answer may take on its way
	arriving  = 5 * time.Second  // that a request may take on its way
	maxAnswer = 6 << 20          // bytes; no verifier reads more
	maxSent   = 32 << 20         // bytes of all answers that are on their way
	maxConns  = 256
	maxHeader = 8 << 10 // bytes
	nonceSize = 32      // bytes
)

// Maker makes receipts. [*receipt.Maker] implements it.
type Maker interface {
	Make(ctx context.Context, asked measure.Asked) (*measure.Receipt, error)
}

// Config says how a service is made.
type Config struct {
	Maker   Maker
	KeyFile string // with the workload's certificate or public key; empty: no key is bound
	Log     *slog.Logger
}

// Service is an [http.Handler].
type Service struct {
	Config
	rate    *rate.Limiter
	turns   *semaphore.Weighted
	room    *semaphore.Weighted // bytes of answers
	metrics *counters
	mux     *http.ServeMux
}

// New returns a service.
func New(c Config) *Service {
	s := &Service{Config: c, rate: rate.NewLimiter(perSecond, burst), turns: semaphore.NewWeighted(together), room: semaphore.NewWeighted(maxSent), metrics: newCounters(), mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /receipt", s.receipt)
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	s.mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) { s.metrics.write(w) })
	return s
}

// ServeHTTP implements [http.Handler].
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	s.mux.ServeHTTP(w, r)
}

// ListenError says that nobody can listen at an address, or that somebody does.
type ListenError struct{ Err error }

func (e *ListenError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// CheckAddress says what is wrong with HOST:PORT, whatever machine it is for.
func CheckAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = net.LookupPort("tcp", port)
	}
	return err
}

// Run makes a service and answers at an address, HOST:PORT, until the context ends.
func Run(ctx context.Context, address string, c Config) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return &ListenError{err}
	}
	c.Log.Info("answering with receipts", "address", l.Addr().String(), "key", c.KeyFile)
	if err := New(c).Serve(ctx, l); err != nil {
		return err
	}
	c.Log.Info("ended by a signal; what was asked before was answered")
	return nil
}

// Serve answers on a listener until the context ends, and then finishes the answers
// that have begun. A connection serves one request, so that nobody holds one without
// asking.
func (s *Service) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s, ReadTimeout: arriving, WriteTimeout: arriving + patience + sending, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	server.SetKeepAlivesEnabled(false)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(netutil.LimitListener(l, maxConns)) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := server.Shutdown(late); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}

func (s *Service) receipt(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	nonce, err := nonceOf(r)
	if err != nil {
		s.refuse(w, http.StatusBadRequest, err.Error())
		return
	}
	if !s.rate.Allow() {
		s.refuse(w, http.StatusTooManyRequests, "more receipts are asked for than are made; come again")
		return
	}
	data, refusal := s.make(r.Context(), nonce)
	if refusal != "" {
		s.refuse(w, http.StatusServiceUnavailable, refusal)
		return
	}
	if !s.room.TryAcquire(int64(len(data))) {
		s.refuse(w, http.StatusTooManyRequests, "as many answers are on their way as there is room for; come again")
		return
	}
	defer s.room.Release(int64(len(data)))
	s.metrics.made(time.Since(began))
	// It fails only in tests, whose writers have no deadlines.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(sending))
	w.Header().Set("Content-Type", "application/json")
	w.Write(data)
}

// nonceOf returns the nonce of a request, and refuses anything else in it.
func nonceOf(r *http.Request) ([]byte, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	values := query["nonce"]
	switch {
	case r.Method != http.MethodGet:
		return nil, errors.New("a receipt is asked for with GET")
	case r.ContentLength != 0:
		return nil, errors.New("a question has no body")
	case err != nil || len(query) != 1 || len(values) != 1:
		return nil, errors.New("the question is /receipt?nonce=HEX, with one nonce and nothing else")
	}
	nonce, err := hex.DecodeString(values[0])
	if err != nil || len(nonce) != nonceSize || strings.ToLower(values[0]) != values[0] {
		return nil, errors.New("the nonce is not 64 lowercase hexadecimal digits")
	}
	return nonce, nil
}

// make makes a receipt when its turn comes. If there is none, refusal says why, as far
// as a stranger may know.
func (s *Service) make(ctx context.Context, nonce []byte) (data []byte, refusal string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	asked := measure.Asked{Nonce: nonce}
	if s.KeyFile != "" {
		var err error
		if asked.Key, err = spki.Read(s.KeyFile); err != nil {
			s.Log.Warn("no receipt: the key to bind can't be read", "error", err.Error())
			return nil, "there is no key to bind: the workload has not left one, or it can't be read"
		}
	}
	if s.turns.Acquire(ctx, 1) != nil {
		return nil, "the guest agent takes too long; come again"
	}
	defer s.turns.Release(1)
	made, err := s.Maker.Make(ctx, asked)
	if err == nil {
		data, err = made.Marshal()
	}
	switch {
	case errors.Is(err, receipt.ErrNoLaunch):
		return nil, "nothing was launched in this boot, or not yet"
	case ctx.Err() != nil:
		return nil, "the guest agent takes too long; come again"
	case err != nil:
		s.Log.Warn("no receipt", "error", err.Error())
		return nil, "the guest agent makes no receipt; the log says why"
	case len(data) > maxAnswer:
		s.Log.Warn("no receipt: it is larger than any verifier reads", "bytes", len(data))
		return nil, "the receipt is larger than any verifier reads"
	}
	return data, ""
}

func (s *Service) refuse(w http.ResponseWriter, status int, why string) {
	s.metrics.refused(status)
	if status != http.StatusBadRequest {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error": why})
}

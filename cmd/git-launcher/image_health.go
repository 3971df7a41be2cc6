package main

import (
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"time"
)

// health answers /healthz while the launcher works: 200 while the workload's container
// runs, 503 otherwise, each with the state as JSON. Nobody is asked who asks, and nothing
// is told that the log does not say.
type health struct {
	mu    sync.Mutex
	state healthState
}

// healthState is the answer.
type healthState struct {
	Status   string `json:"status"` // launching, running, failed, ended
	Image    string `json:"image,omitempty"`
	Restarts int    `json:"restarts"`
}

// The states of a launcher.
const (
	healthLaunching = "launching"
	healthRunning   = "running"
	healthFailed    = "failed" // and is started again
	healthEnded     = "ended"
)

// healthTimeout bounds a request, and an idle connection.
const healthTimeout = 5 * time.Second

// serveHealth answers at an address until stop is called.
func serveHealth(address string) (h *health, stop func(), err error) {
	h = &health{state: healthState{Status: healthLaunching}}
	if address == "" {
		return h, func() {}, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, nil, err
	}
	server := &http.Server{
		Handler: h, ReadTimeout: healthTimeout, WriteTimeout: healthTimeout, IdleTimeout: healthTimeout, MaxHeaderBytes: 4 << 10,
	}
	go server.Serve(l)
	return h, func() { server.Close() }, nil
}

// set changes the state. A change to running after a failure counts as a restart.
func (h *health) set(status string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if status == healthRunning && h.state.Status == healthFailed {
		h.state.Restarts++
	}
	h.state.Status = status
}

// launches says which image this is about.
func (h *health) launches(image string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.state.Image = image
}

// ServeHTTP implements [http.Handler].
func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/healthz" {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	h.mu.Lock()
	state := h.state
	h.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if state.Status != healthRunning {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(state)
}

// Package health answers /healthz for a program that supervises a workload.
//
// It tells no more than a log does, and does not identify who asks, so requests are
// bounded in size and time and answered from memory. What it does not check: whether
// the workload is healthy by its own measure; it only says whether it runs.
package health

import (
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"time"
)

// Status is what a workload is doing.
type Status string

// The statuses. Only Running is answered with 200; the others with 503.
const (
	Launching Status = "launching"
	Running   Status = "running"
	Failed    Status = "failed" // and is started again
	Ended     Status = "ended"
)

// timeout bounds a request, and how long an idle connection is kept.
const timeout = 5 * time.Second

// maxHeader bounds a request's header, in bytes: 4 KiB.
const maxHeader = 4 << 10

// answer is what /healthz says.
type answer struct {
	Status   Status `json:"status"`
	Image    string `json:"image,omitempty"`
	Restarts int    `json:"restarts"`
}

// Monitor is the state of one workload. It is an [http.Handler].
type Monitor struct {
	mu  sync.Mutex
	now answer
}

// Serve answers at an address, HOST:PORT, until stop is called. Without an address it
// does not listen.
func Serve(address string) (m *Monitor, stop func(), err error) {
	m = &Monitor{now: answer{Status: Launching}}
	if address == "" {
		return m, func() {}, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, nil, err
	}
	server := &http.Server{Handler: m, ReadTimeout: timeout, WriteTimeout: timeout, IdleTimeout: timeout, MaxHeaderBytes: maxHeader}
	go server.Serve(l)
	return m, func() { server.Close() }, nil
}

// Set changes the status. Running after a failure counts as a restart.
func (m *Monitor) Set(s Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s == Running && m.now.Status == Failed {
		m.now.Restarts++
	}
	m.now.Status = s
}

// Launches sets the image that the answers name.
func (m *Monitor) Launches(image string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Image = image
}

// ServeHTTP implements [http.Handler].
func (m *Monitor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/healthz" {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	m.mu.Lock()
	now := m.now
	m.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if now.Status != Running {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(now)
}

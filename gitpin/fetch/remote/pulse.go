package remote

import (
	"io"
	"sync"
	"time"
)

// Pulse ends an attempt when nothing comes from the server for a time. Any byte is
// life: of a pack, of a keep-alive, of progress. Time in which nobody waits for the
// server does not count, so a slow disk here is no fault of the host.
type Pulse struct {
	Limit time.Duration
	mu    sync.Mutex
	timer *time.Timer
	waits int // calls that wait for the server
}

// NewPulse returns a pulse that calls stop after limit of silence.
func NewPulse(limit time.Duration, stop func()) *Pulse {
	p := &Pulse{Limit: limit, timer: time.AfterFunc(limit, stop)}
	p.timer.Stop()
	return p
}

// Wait begins to wait for the server, until the function that it returns is called.
func (p *Pulse) Wait() (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waits++
	p.timer.Reset(p.Limit)
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.waits--; p.waits == 0 {
			p.timer.Stop()
		}
	})
}

// Beat tells of bytes that came, on whatever way.
func (p *Pulse) Beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waits > 0 {
		p.timer.Reset(p.Limit)
	}
}

// reader counts the time in which r is read.
func (p *Pulse) reader(r io.Reader) io.Reader { return &pulsing{r, p} }

type pulsing struct {
	r io.Reader
	p *Pulse
}

func (r *pulsing) Read(b []byte) (int, error) {
	defer r.p.Wait()()
	return r.r.Read(b)
}

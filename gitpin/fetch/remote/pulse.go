package remote

import (
	"io"
	"sync"
	"time"
)

// Pulse ends an attempt when nothing arrives from the server for a time. Every byte is a sign
// of life: of a pack, of a keep-alive, of progress. Time in which nobody waits for the server
// does not count, so that a slow disk on this machine is not taken for a silent host.
type Pulse struct {
	Limit time.Duration // of silence
	mu    sync.Mutex
	timer *time.Timer
	waits int // how many calls are waiting for the server
}

// NewPulse returns a pulse that calls stop after limit of silence.
func NewPulse(limit time.Duration, stop func()) *Pulse {
	p := &Pulse{Limit: limit, timer: time.AfterFunc(limit, stop)}
	p.timer.Stop()
	return p
}

// Wait says that the caller waits for the server until it calls done.
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

// Beat reports that bytes have arrived, whichever way they came.
func (p *Pulse) Beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waits > 0 {
		p.timer.Reset(p.Limit)
	}
}

// reader returns r as a reader whose reads wait for the server.
func (p *Pulse) reader(r io.Reader) io.Reader { return &pulsing{r, p} }

type pulsing struct {
	r io.Reader
	p *Pulse
}

func (r *pulsing) Read(b []byte) (int, error) {
	defer r.p.Wait()()
	return r.r.Read(b)
}

package fetch

import (
	"io"
	"sync"
	"time"
)

// pulse ends an attempt when nothing comes from the server for a time. Any byte is
// life: of a pack, of a keep-alive, of progress. Time in which nobody waits for the
// server does not count, so a slow disk here is no fault of the host.
type pulse struct {
	limit time.Duration
	mu    sync.Mutex
	timer *time.Timer
	waits int // calls that wait for the server
}

// newPulse returns a pulse that calls stop after limit of silence.
func newPulse(limit time.Duration, stop func()) *pulse {
	p := &pulse{limit: limit, timer: time.AfterFunc(limit, stop)}
	p.timer.Stop()
	return p
}

// wait begins to wait for the server, until the function that it returns is called.
func (p *pulse) wait() (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waits++
	p.timer.Reset(p.limit)
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.waits--; p.waits == 0 {
			p.timer.Stop()
		}
	})
}

// beat tells of bytes that came, on whatever way.
func (p *pulse) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waits > 0 {
		p.timer.Reset(p.limit)
	}
}

// reader counts the time in which r is read.
func (p *pulse) reader(r io.Reader) io.Reader { return &pulsing{r, p} }

type pulsing struct {
	r io.Reader
	p *pulse
}

func (r *pulsing) Read(b []byte) (int, error) {
	defer r.p.wait()()
	return r.r.Read(b)
}

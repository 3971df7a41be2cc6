package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"gitlauncher/gitpin"
)

// progressEvery is how often a line tells how far a launch is where there is no terminal.
const progressEvery = 5 * time.Second

// phases are what the stages of pinning are called while they last.
var phases = map[gitpin.Stage]string{
	gitpin.StageReuse:        "proving the checkout that is there",
	gitpin.StageFetch:        "waiting for the server",
	gitpin.StageReceiving:    "receiving the pack",
	gitpin.StageReceived:     "proving the files",
	gitpin.StageMaterialised: "writing .git",
	gitpin.StageStaged:       "putting the checkout in its place",
}

// progress shows how far pinning is: phase, bytes and objects, and what the server says
// in its own words. On a terminal that is one line that changes, else a line of the log
// every few seconds. A server does not say how many bytes will come.
type progress struct {
	log  *slog.Logger
	bar  *progressbar.ProgressBar // nil where lines are shown
	stop chan struct{}

	mu      sync.Mutex
	phase   string
	began   time.Time // the phase
	total   int64
	objects uint32
	server  string
}

func newProgress(stderr io.Writer, logFormat string, log *slog.Logger) *progress {
	p := &progress{log: log, stop: make(chan struct{}), began: time.Now()}
	if f, ok := stderr.(*os.File); ok && logFormat == "text" && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(f), progressbar.OptionShowBytes(true),
			progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
		return p
	}
	go func() {
		every := time.NewTicker(progressEvery)
		defer every.Stop()
		for {
			select {
			case now := <-every.C:
				p.line(now)
			case <-p.stop:
				return
			}
		}
	}()
	return p
}

// stage begins a phase.
func (p *progress) stage(s gitpin.Stage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.began = time.Now()
	switch phase, shown := phases[s]; {
	case s == gitpin.StageFetch:
		p.phase, p.total, p.objects, p.server = phase, 0, 0, ""
	case shown:
		p.phase, p.server = phase, ""
	case s == gitpin.StageSwapped:
		p.phase = ""
	}
	p.describe()
}

// add takes note of n more bytes of the pack.
func (p *progress) add(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total += n
	if p.bar != nil {
		p.bar.Add64(n)
	}
}

// expect takes note of how many objects a pack that begins to come is to have.
func (p *progress) expect(objects uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total, p.objects = 0, objects
	p.describe()
}

// said takes note of what the server says.
func (p *progress) said(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server = line
	p.describe()
}

func (p *progress) describe() {
	if p.bar != nil && p.phase != "" {
		p.bar.Describe(p.text())
	}
}

// text is phase, objects and the server's words.
func (p *progress) text() string {
	text := p.phase
	if p.objects > 0 {
		text += fmt.Sprintf(" of %d objects", p.objects)
	}
	if p.server != "" {
		text += " (" + p.server + ")"
	}
	return text
}

// line logs how far it is.
func (p *progress) line(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.phase == "" {
		return
	}
	text := p.phase
	if p.phase == phases[gitpin.StageReceiving] {
		text = fmt.Sprintf("%s: %.1f MiB so far", text, float64(p.total)/(1<<20))
	}
	about := []any{"step", "fetch", "for", now.Sub(p.began).Round(time.Second).String()}
	if p.objects > 0 {
		about = append(about, "objects", p.objects)
	}
	if p.server != "" {
		about = append(about, "server", p.server)
	}
	p.log.Info(text, about...)
}

// end takes the line away, so that what follows has it to itself.
func (p *progress) end() {
	close(p.stop)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.phase = ""
	if p.bar != nil {
		p.bar.Clear()
	}
}

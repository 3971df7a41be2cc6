package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressEvery is how often a line tells of a fetch where there is no terminal.
const progressEvery = 5 * time.Second

// progress shows how many bytes of a pack came: a bar on a terminal, else a line of
// the log every few seconds. A server does not say how many will come.
type progress struct {
	log   *slog.Logger
	bar   *progressbar.ProgressBar // nil where lines are shown
	now   func() time.Time
	last  time.Time // of the last line
	total int64
}

func newProgress(stderr io.Writer, logFormat string, log *slog.Logger, now func() time.Time) *progress {
	p := &progress{log: log, now: now, last: now()}
	if f, ok := stderr.(*os.File); ok && logFormat == "text" && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(f), progressbar.OptionShowBytes(true),
			progressbar.OptionSetDescription("receiving"), progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(100*time.Millisecond))
	}
	return p
}

// add takes note of n more bytes.
func (p *progress) add(n int64) {
	p.total += n
	if p.bar != nil {
		p.bar.Add64(n)
		return
	}
	if now := p.now(); now.Sub(p.last) >= progressEvery {
		p.last = now
		p.log.Info(fmt.Sprintf("receiving the pack: %.1f MiB so far", float64(p.total)/(1<<20)), "step", "fetch")
	}
}

// end takes the bar away, so that what follows has the line to itself.
func (p *progress) end() {
	if p.bar != nil && p.total > 0 {
		p.bar.Clear()
		p.bar, p.total = nil, 0
	}
}

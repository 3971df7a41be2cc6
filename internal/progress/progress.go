package progress

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

// every is how often, without a terminal, a line of the log says how far a launch is.
const every = 5 * time.Second

// phases are the names that people see of the stages of pinning.
var phases = map[gitpin.Stage]string{
	gitpin.StageReuse:        "proving the checkout that is there",
	gitpin.StageFetch:        "waiting for the server",
	gitpin.StageReceiving:    "receiving the pack",
	gitpin.StageReceived:     "proving the files",
	gitpin.StageMaterialised: "writing .git",
	gitpin.StageStaged:       "putting the checkout in its place",
}

// Display shows how far pinning is: phase, bytes and objects, and what the server says
// in its own words. A server does not say how many bytes will come.
type Display struct {
	log    *slog.Logger
	bar    *progressbar.ProgressBar // nil if lines are shown
	screen *screen                  // of the bar
	stop   chan struct{}

	mu      sync.Mutex
	phase   string
	began   time.Time // when the phase began
	total   int64
	objects uint32
	server  string
}

// New begins a display: on a terminal one line that changes, unless the log is JSON, and
// otherwise a line of the log every few seconds. [Display.End] ends it.
func New(stderr io.Writer, json bool, log *slog.Logger) *Display {
	d := &Display{log: log, stop: make(chan struct{}), began: time.Now()}
	if f, ok := stderr.(*os.File); ok && !json && term.IsTerminal(int(f.Fd())) {
		d.screen = &screen{terminal: f}
		d.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(d.screen), progressbar.OptionShowBytes(true),
			progressbar.OptionThrottle(100*time.Millisecond))
		d.log = slog.New(&above{log.Handler(), d.screen})
		return d
	}
	go func() {
		ticks := time.NewTicker(every)
		defer ticks.Stop()
		for {
			select {
			case now := <-ticks.C:
				d.line(now)
			case <-d.stop:
				return
			}
		}
	}()
	return d
}

// Log returns the log to use while the display lasts: its lines stand above the bar.
func (d *Display) Log() *slog.Logger { return d.log }

// Stage begins a phase.
func (d *Display) Stage(s gitpin.Stage) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.began = time.Now()
	switch phase, shown := phases[s]; {
	case s == gitpin.StageFetch:
		d.phase, d.total, d.objects, d.server = phase, 0, 0, ""
	case shown:
		d.phase, d.server = phase, ""
	case s == gitpin.StageSwapped:
		d.phase = ""
	}
	d.describe()
}

// Add notes n more bytes of the pack.
func (d *Display) Add(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total += n
	if d.bar != nil {
		d.bar.Add64(n)
	}
}

// Expect notes how many objects a pack that begins to arrive will have.
func (d *Display) Expect(objects uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total, d.objects = 0, objects
	d.describe()
}

// Said notes what the server says.
func (d *Display) Said(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.server = line
	d.describe()
}

func (d *Display) describe() {
	if d.bar != nil && d.phase != "" {
		d.bar.Describe(d.text())
	}
}

// text returns phase, objects and the server's words.
func (d *Display) text() string {
	text := d.phase
	if d.objects > 0 {
		text += fmt.Sprintf(" of %d objects", d.objects)
	}
	if d.server != "" {
		text += " (" + d.server + ")"
	}
	return text
}

// line logs how far it is.
func (d *Display) line(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.phase == "" {
		return
	}
	text := d.phase
	if d.phase == phases[gitpin.StageReceiving] {
		text = fmt.Sprintf("%s: %.1f MiB so far", text, float64(d.total)/(1<<20))
	}
	about := []any{"step", "fetch", "for", now.Sub(d.began).Round(time.Second).String()}
	if d.objects > 0 {
		about = append(about, "objects", d.objects)
	}
	if d.server != "" {
		about = append(about, "server", d.server)
	}
	d.log.Info(text, about...)
}

// End removes the line of the bar, so that what follows has it to itself.
func (d *Display) End() {
	close(d.stop)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.phase = ""
	if d.screen != nil {
		d.screen.end()
	}
}

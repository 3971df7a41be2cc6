package progress

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
)

// eraseLine moves the cursor to the start of its line, and erases the line (ECMA-48,
// EL).
const eraseLine = "\r\x1b[K"

// screen is a terminal that a bar and a log share. The bar redraws itself at any
// moment, even from a goroutine of its library. Whole lines of the log come in between.
type screen struct {
	terminal *os.File

	mu    sync.Mutex
	drawn bool // the bar is on the last line
	ended bool
}

// Write draws the bar. After the end it draws nothing.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return len(p), nil
	}
	s.drawn = true
	return s.terminal.Write(p)
}

// erase removes the bar. The caller holds mu.
func (s *screen) erase() {
	if s.drawn {
		io.WriteString(s.terminal, eraseLine)
	}
	s.drawn = false
}

// end removes the bar for good.
func (s *screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.ended = true
}

// above handles records of a log that writes to the terminal: the bar makes room for
// each of them.
type above struct {
	slog.Handler
	screen *screen
}

func (a *above) Handle(ctx context.Context, r slog.Record) error {
	a.screen.mu.Lock()
	defer a.screen.mu.Unlock()
	a.screen.erase()
	return a.Handler.Handle(ctx, r)
}

func (a *above) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &above{a.Handler.WithAttrs(attrs), a.screen}
}

func (a *above) WithGroup(name string) slog.Handler {
	return &above{a.Handler.WithGroup(name), a.screen}
}

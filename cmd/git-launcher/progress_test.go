package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestProgressLines: without a terminal, a line every few seconds with the bytes that
// really came.
func TestProgressLines(t *testing.T) {
	var log bytes.Buffer
	now := time.Unix(0, 0)
	p := newProgress(&log, "text", slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return now })
	for range 12 {
		p.add(1 << 20)
		now = now.Add(time.Second)
	}
	p.end()
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "6.0 MiB so far") || !strings.Contains(lines[1], "11.0 MiB so far") {
		t.Errorf("%q", lines)
	}
}

// TestProgressBar: on a terminal, a bar that goes away at the end.
func TestProgressBar(t *testing.T) {
	master, slave := terminal(t)
	p := newProgress(slave, "text", slog.New(slog.DiscardHandler), time.Now)
	if p.bar == nil {
		t.Fatal("no bar on a terminal")
	}
	p.add(3 << 20)
	p.bar.RenderBlank() // whatever the throttle holds back
	p.end()
	fmt.Fprintln(slave, "what follows")
	var shown string
	buf := make([]byte, 4096)
	for !strings.Contains(shown, "what follows") {
		n, err := master.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, shown)
		}
		shown += string(buf[:n])
	}
	bar, after, _ := strings.Cut(shown, "what follows")
	if !strings.Contains(bar, "receiving") || !strings.HasSuffix(bar, "\r") || strings.Contains(after, "receiving") {
		t.Errorf("%q", shown)
	}
	if newProgress(slave, "json", slog.New(slog.DiscardHandler), time.Now).bar != nil {
		t.Error("a bar among JSON lines")
	}
}

// terminal returns both ends of a new pseudo-terminal.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

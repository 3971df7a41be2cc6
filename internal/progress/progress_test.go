package progress

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gitlauncher/gitpin"
	"gitlauncher/internal/testenv"
)

// TestProgressLines: without a terminal, lines with phase, bytes, objects and the
// server's own words.
func TestProgressLines(t *testing.T) {
	var log bytes.Buffer
	d := New(&log, false, slog.New(slog.NewTextHandler(&log, nil)))
	d.line(time.Now()) // nothing has begun
	d.Stage(gitpin.StageFetch)
	d.line(d.began.Add(5 * time.Second))
	d.Said("Compressing objects:  50% (1/2)")
	d.line(d.began.Add(10 * time.Second))
	d.Stage(gitpin.StageReceiving)
	d.Expect(3)
	d.Add(6 << 20)
	d.line(d.began.Add(5 * time.Second))
	d.Stage(gitpin.StageReceived)
	d.line(d.began.Add(5 * time.Second))
	d.End()
	d.line(time.Now())
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	want := []string{
		`msg="waiting for the server" step=fetch for=5s`,
		`msg="waiting for the server" step=fetch for=10s server="Compressing objects:  50% (1/2)"`,
		`msg="receiving the pack: 6.0 MiB so far" step=fetch for=5s objects=3`,
		`msg="proving the files" step=fetch for=5s objects=3`,
	}
	if len(lines) != len(want) {
		t.Fatalf("%q", lines)
	}
	for i, line := range lines {
		if !strings.HasSuffix(line, want[i]) {
			t.Errorf("%q, not %q", line, want[i])
		}
	}
}

// TestProgressBar: on a terminal, one line that makes room for each line of the log, and
// that goes away at the end.
func TestProgressBar(t *testing.T) {
	master, slave := terminal(t)
	d := New(slave, false, slog.New(slog.NewTextHandler(slave, nil)))
	if d.bar == nil {
		t.Fatal("no bar on a terminal")
	}
	d.Stage(gitpin.StageFetch)
	d.Said("Counting objects: 7")
	d.bar.RenderBlank() // whatever the throttle holds back
	d.Log().With("step", "fetch").WithGroup("g").Info("a line of the log")
	d.Stage(gitpin.StageReceiving)
	d.Expect(7)
	d.bar.RenderBlank()
	d.Add(3 << 20)
	d.End()
	d.bar.RenderBlank() // as the bar's own goroutine may, at any time
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
	for _, drawn := range []string{"(Counting objects: 7)", "receiving the pack of 7 objects"} {
		if !strings.Contains(shown, drawn) {
			t.Errorf("%q lacks %q", shown, drawn)
		}
	}
	if !regexp.MustCompile(`\r\x1b\[Ktime=[^\r]* msg="a line of the log" step=fetch\r\n`).MatchString(shown) {
		t.Errorf("the log's line shares its line with the bar: %q", shown)
	}
	if !strings.HasSuffix(shown, eraseLine+"what follows\r\n") {
		t.Errorf("the bar stays after its end: %q", shown)
	}
	if New(slave, true, slog.New(slog.DiscardHandler)).bar != nil {
		t.Error("a bar among JSON lines")
	}
}

// terminal returns both ends of a new pseudo-terminal.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		testenv.Skip(t, "no pseudo-terminals here: %v", err)
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

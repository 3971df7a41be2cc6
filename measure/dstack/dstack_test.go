package dstack

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/printable"
	"gitlauncher/measure"
)

// serve returns a client on a socket where h answers.
func serve(t *testing.T, h http.HandlerFunc) *Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	c, err := New(socket, 300*time.Millisecond, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		w.Write([]byte(body))
	}
}

func TestNewRefuses(t *testing.T) {
	for _, endpoint := range []string{"", "relative.sock", "http://169.254.169.254", filepath.Join(t.TempDir(), "none"), t.TempDir()} {
		var se *SocketError
		if _, err := New(endpoint, time.Second, slog.Default()); !errors.As(err, &se) {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
}

// TestRemoved: dstack 0.6's own words mean that there is no EmitEvent, and similar answers
// do not.
func TestRemoved(t *testing.T) {
	const text = "EmitEvent was removed in dstack 0.6.0; runtime RTMR3 events are system-owned and cannot be extended by apps"
	for name, c := range map[string]struct {
		code    int
		body    string
		removed bool
	}{
		"0.6":                        {400, `{"error":"` + text + `"}`, true},
		"a later one":                {400, `{"error":"EmitEvent was removed in dstack 0.7.1; x"}`, true},
		"no such method":             {404, `{"error":"Service not found: EmitEvent"}`, true},
		"no such path":               {404, "<html>404</html>", true},
		"another reason":             {400, `{"error":"event name is too long"}`, false},
		"the text elsewhere":         {400, `{"error":"no: ` + text + `"}`, false},
		"the text as no JSON":        {400, text, false},
		"the text in another answer": {500, `{"error":"` + text + `"}`, false},
		"the text twice":             {400, `{"error":"` + text + `","error":"x"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := serve(t, status(c.code, c.body)).Emit(t.Context(), measure.Event{Name: "a"})
			if err == nil || errors.Is(err, measure.ErrNoEmit) != c.removed {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestEnvironmentDoesNotRedirect: the SDK would follow this variable.
// SECURITY.md: H4.
func TestEnvironmentDoesNotRedirect(t *testing.T) {
	t.Setenv("DSTACK_SIMULATOR_ENDPOINT", "http://127.0.0.1:1")
	hit := false
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { hit = true })
	if err := c.Emit(t.Context(), measure.Event{Name: "a"}); err != nil || !hit {
		t.Errorf("hit=%t, %v", hit, err)
	}
}

// TestStatusText pins the text in which the SDK reports an HTTP status.
func TestStatusText(t *testing.T) {
	c := serve(t, status(404, "nope"))
	if err := c.sdk.EmitEvent(t.Context(), "a", nil); err == nil || err.Error() != "unexpected status code: 404, body: nope" {
		t.Errorf("the SDK now says %v", err)
	}
	if err := c.Emit(t.Context(), measure.Event{Name: "a"}); !errors.Is(err, measure.ErrNoEmit) {
		t.Errorf("a 404 is %v", err)
	}
}

func TestBadAnswers(t *testing.T) {
	for name, h := range map[string]http.HandlerFunc{
		"500":            status(500, "line\nbreak \x1b[31m"+strings.Repeat("x", 1000)),
		"404 elsewhere":  status(404, ""),
		"junk":           status(200, "{junk\x00"),
		"no tcb_info":    status(200, `{}`),
		"tcb_info junk":  status(200, `{"tcb_info":"{"}`),
		"short register": status(200, `{"tcb_info":"{\"rtmr3\":\"00\",\"event_log\":[]}"}`),
		"case":           status(200, `{"tcb_info":"{\"RTMR3\":\"`+strings.Repeat("0", 96)+`\",\"event_log\":[]}"}`),
		"hang":           func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"drip": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				w.Write([]byte(" "))
				w.(http.Flusher).Flush()
				time.Sleep(10 * time.Millisecond)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, h)
			start := time.Now()
			_, err := c.State(context.Background())
			var ce *CallError
			if !errors.As(err, &ce) || ce.Call != "Info" {
				t.Fatalf("State: %v", err)
			}
			if strings.ContainsAny(err.Error(), "\n\x1b\x00") || len(err.Error()) > printable.MaxLine+100 {
				t.Errorf("not a short line: %q", err)
			}
			if _, err := c.Receipt(context.Background(), measure.Recorded, nil, measure.Asked{}); !errors.As(err, &ce) {
				t.Errorf("Receipt: %v", err)
			}
			if time.Since(start) > 10*time.Second {
				t.Error("the deadline did not end the call")
			}
		})
	}
}

func FuzzState(f *testing.F) {
	f.Fuzz(func(t *testing.T, tcb string) {
		if s, err := parseState(tcb); err == nil {
			s.Log.Replay()
		}
	})
}

package health

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// TestMonitor: 200 while the workload runs and 503 otherwise; a restart is counted once.
func TestMonitor(t *testing.T) {
	m, stop, err := Serve("")
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	ask := func(method, path string) (int, string) {
		w := httptest.NewRecorder()
		m.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	for _, step := range []struct {
		set    Status
		status int
		want   string
	}{
		{"", 503, `{"status":"launching","image":"a@sha256:b","restarts":0}`},
		{Running, 200, `{"status":"running","image":"a@sha256:b","restarts":0}`},
		{Failed, 503, `{"status":"failed","image":"a@sha256:b","restarts":0}`},
		{Failed, 503, `{"status":"failed","image":"a@sha256:b","restarts":0}`},
		{Running, 200, `{"status":"running","image":"a@sha256:b","restarts":1}`},
		{Running, 200, `{"status":"running","image":"a@sha256:b","restarts":1}`},
		{Ended, 503, `{"status":"ended","image":"a@sha256:b","restarts":1}`},
	} {
		m.Launches("a@sha256:b")
		if step.set != "" {
			m.Set(step.set)
		}
		if status, body := ask("GET", "/healthz"); status != step.status || body != step.want {
			t.Errorf("after %q: %d %s", step.set, status, body)
		}
	}
	for _, tc := range []struct {
		method, path string
		want         int
	}{{"GET", "/", 404}, {"GET", "/healthz/x", 404}, {"POST", "/healthz", 405}, {"HEAD", "/healthz", 503}} {
		if status, _ := ask(tc.method, tc.path); status != tc.want {
			t.Errorf("%s %s: %d", tc.method, tc.path, status)
		}
	}
	if _, _, err := Serve("127.0.0.1:nowhere"); err == nil {
		t.Error("it listens nowhere")
	}
}

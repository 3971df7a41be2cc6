package attest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/receipt"
	"gitlauncher/measure"
)

// maker is a Maker that is a function.
type maker func(context.Context, measure.Asked) (*measure.Receipt, error)

func (m maker) Make(ctx context.Context, asked measure.Asked) (*measure.Receipt, error) {
	return m(ctx, asked)
}

// plain returns a receipt at once, for what was asked.
func plain(_ context.Context, asked measure.Asked) (*measure.Receipt, error) {
	return &measure.Receipt{Version: asked.Version(), Nonce: string(asked.Nonce), Key: asked.Key}, nil
}

func service(m maker, keyFile string) (*Service, *bytes.Buffer) {
	log := new(bytes.Buffer)
	return New(Config{Maker: m, KeyFile: keyFile, Log: slog.New(slog.NewTextHandler(log, nil))}), log
}

func ask(t *testing.T, s *Service, method, target string, body io.Reader) (*http.Response, string) {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(method, target, body))
	return w.Result(), w.Body.String()
}

var nonce = strings.Repeat("ab", 32)

// TestQuestion: a stranger can send only a nonce of one form; nothing else reaches the
// guest agent.
// SECURITY.md: A1.
func TestQuestion(t *testing.T) {
	calls := 0
	s, _ := service(func(ctx context.Context, asked measure.Asked) (*measure.Receipt, error) {
		calls++
		return plain(ctx, asked)
	}, "")
	for target, want := range map[string]string{
		"/receipt": "one nonce and nothing else", "/receipt?nonce": "64 lowercase", "/receipt?nonce=": "64 lowercase", "/receipt?nonce=" + nonce[1:]: "64 lowercase", "/receipt?nonce=" + nonce + "00": "64 lowercase",
		"/receipt?nonce=" + strings.ToUpper(nonce): "64 lowercase", "/receipt?nonce=0x" + nonce[2:]: "64 lowercase", "/receipt?nonce=" + strings.Repeat("zz", 32): "64 lowercase", "/receipt?nonce=%20" + nonce: "64 lowercase",
		"/receipt?nonce=" + nonce + "&nonce=" + nonce: "nothing else", "/receipt?nonce=" + nonce + "&spki=" + nonce: "nothing else", "/receipt?Nonce=" + nonce: "nothing else", "/receipt?nonce=" + nonce + "&": "", "/receipt?nonce=" + nonce + ";x=1": "nothing else", "/receipt?nonce=" + nonce + "&%zz": "nothing else",
	} {
		resp, text := ask(t, s, "GET", target, nil)
		if (resp.StatusCode == http.StatusOK) != (want == "") || want != "" && (resp.StatusCode != http.StatusBadRequest || !strings.Contains(text, want)) {
			t.Errorf("%s: %s %s", target, resp.Status, text)
		}
	}
	if resp, text := ask(t, s, "GET", "/receipt?nonce="+nonce, strings.NewReader("key")); resp.StatusCode != http.StatusBadRequest || !strings.Contains(text, "no body") {
		t.Errorf("with a body: %s %s", resp.Status, text)
	}
	for _, method := range []string{"HEAD", "POST", "PUT"} {
		if resp, _ := ask(t, s, method, "/receipt?nonce="+nonce, nil); resp.StatusCode != http.StatusBadRequest && resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %s", method, resp.Status)
		}
	}
	for _, target := range []string{"/", "/receipt/", "/../etc/passwd", "/debug/pprof/"} {
		if resp, _ := ask(t, s, "GET", target, nil); resp.StatusCode == http.StatusOK {
			t.Errorf("%s: %s", target, resp.Status)
		}
	}
	if calls != 1 {
		t.Errorf("%d receipts were made, not 1", calls)
	}
}

// TestKey: the key is the one in the workload's file, as it is now. If it can't be read
// there is no receipt, rather than one that binds no key.
// SECURITY.md: A2.
func TestKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	s, log := service(plain, file)
	first, second := measure.KeyHashOf([]byte("1")), measure.KeyHashOf([]byte("2"))
	for _, step := range []struct {
		content string
		status  int
		want    string
	}{{"", 503, "no key to bind"}, {first.String(), 200, first.String()}, {second.String() + "\n", 200, second.String()}, {"-----BEGIN PRIVATE KEY-----\nsecret\n", 503, "no key to bind"}} {
		if step.content != "" {
			if err := os.WriteFile(file, []byte(step.content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if resp, text := ask(t, s, "GET", "/receipt?nonce="+nonce, nil); resp.StatusCode != step.status || !strings.Contains(text, step.want) {
			t.Errorf("%q: %s %s", step.content, resp.Status, text)
		}
	}
	if text := log.String(); !strings.Contains(text, "holds a private key") || strings.Contains(text, "secret") {
		t.Errorf("the log is\n%s", text)
	}
}

// TestRefusals: each reason for no receipt has its own answer and metric, and a
// stranger does not learn what the guest agent said.
// SECURITY.md: A1.
func TestRefusals(t *testing.T) {
	for want, failure := range map[string]error{"nothing was launched": receipt.ErrNoLaunch, "makes no receipt": errors.New("of its own words"), "takes too long": context.DeadlineExceeded} {
		s, log := service(func(ctx context.Context, _ measure.Asked) (*measure.Receipt, error) { return nil, failure }, "")
		ctx := context.Background()
		if failure == context.DeadlineExceeded {
			var cancel func()
			ctx, cancel = context.WithCancel(ctx)
			cancel() // as if the time were over
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/receipt?nonce="+nonce, nil))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), want) || strings.Contains(w.Body.String(), "own words") {
			t.Errorf("%v: %d %s", failure, w.Code, w.Body)
		}
		if strings.Contains(log.String(), "own words") != (want == "makes no receipt") {
			t.Errorf("%v: the log is\n%s", failure, log)
		}
		if _, text := ask(t, s, "GET", "/metrics", nil); !strings.Contains(text, `git_launcher_attest_refused_total{status="503"} 1`) {
			t.Errorf("%v: the metrics are\n%s", failure, text)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	slow, _ := service(func(ctx context.Context, _ measure.Asked) (*measure.Receipt, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}, "")
	w := httptest.NewRecorder()
	slow.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/receipt?nonce="+nonce, nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "takes too long") {
		t.Errorf("a guest agent that is too slow: %d %s", w.Code, w.Body)
	}
	for size, want := range map[int]int{maxAnswer: 200, maxAnswer + 1: 503} {
		large, _ := service(func(context.Context, measure.Asked) (*measure.Receipt, error) {
			r := new(measure.Receipt)
			rest, err := r.Marshal()
			r.EventLog = strings.Repeat("x", size-len(rest))
			return r, err
		}, "")
		if resp, text := ask(t, large, "GET", "/receipt?nonce="+nonce, nil); resp.StatusCode != want || want != 200 && !strings.Contains(text, "larger than any verifier reads") {
			t.Errorf("%d bytes: %s %.100s", size, resp.Status, text)
		}
	}
}

// TestRate: as many receipts as the rate allows are made, and anyone who comes then is
// told to come again.
// SECURITY.md: A1.
func TestRate(t *testing.T) {
	s, _ := service(plain, "")
	s.rate.SetLimit(0) // no time passes
	for n := range burst + 3 {
		resp, text := ask(t, s, "GET", "/receipt?nonce="+nonce, nil)
		if want := map[bool]int{true: 200, false: 429}[n < burst]; resp.StatusCode != want {
			t.Fatalf("request %d: %s", n, resp.Status)
		}
		if h := resp.Header; h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Content-Type") != "application/json" {
			t.Errorf("request %d: %v", n, h)
		}
		if n >= burst && (resp.Header.Get("Retry-After") != "1" || !strings.Contains(text, "come again")) {
			t.Errorf("%v %s", resp.Header, text)
		}
	}
	if resp, _ := ask(t, s, "GET", "/healthz", nil); resp.StatusCode != http.StatusOK {
		t.Errorf("and its health: %s", resp.Status)
	}
	if _, text := ask(t, s, "GET", "/metrics", nil); !strings.Contains(text, `refused_total{status="429"} 3`) || !strings.Contains(text, "receipt_seconds_count 20") || !strings.Contains(text, "process_resident_memory_bytes") || strings.Contains(text, nonce) {
		t.Errorf("the metrics are\n%s", text)
	}
}

// TestTogether: the guest agent makes at most two receipts at a time, and a request
// whose asker went away ends.
// SECURITY.md: A1.
func TestTogether(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s, _ := service(func(ctx context.Context, asked measure.Asked) (*measure.Receipt, error) {
		entered <- struct{}{}
		<-leave
		return plain(ctx, asked)
	}, "")
	codes := make(chan int)
	start := func(ctx context.Context) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/receipt?nonce="+nonce, nil))
		codes <- w.Code
	}
	for range together {
		go start(t.Context())
		<-entered
	}
	gone, cancel := context.WithCancel(t.Context())
	go start(gone)
	cancel()
	if code := <-codes; code != http.StatusServiceUnavailable {
		t.Errorf("the one that waited: %d", code)
	}
	close(leave)
	for range together {
		if code := <-codes; code != http.StatusOK {
			t.Errorf("one that was being made: %d", code)
		}
	}
	s.room.TryAcquire(maxSent)
	go func() { <-entered }()
	if resp, text := ask(t, s, "GET", "/receipt?nonce="+nonce, nil); resp.StatusCode != http.StatusTooManyRequests || !strings.Contains(text, "on their way") {
		t.Errorf("without room for the answer: %s %s", resp.Status, text)
	}
}

// TestServe: a connection serves one request, a header at the bound is read and one
// above it is not, and an answer that has begun when the service ends is finished.
// SECURITY.md: A1.
func TestServe(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s, _ := service(func(ctx context.Context, asked measure.Asked) (*measure.Receipt, error) {
		close(entered)
		<-leave
		return plain(ctx, asked)
	}, "")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	url := "http://" + l.Addr().String()
	for size, want := range map[int]int{maxHeader / 2: 200, 2*maxHeader + 4096: 431} {
		req, err := http.NewRequest("GET", url+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X", strings.Repeat("x", size))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want || !resp.Close {
			t.Errorf("a header of %d bytes: %s, kept %v", size, resp.Status, !resp.Close)
		}
	}
	answered := make(chan string, 1)
	go func() {
		resp, err := http.Get(url + "/receipt?nonce=" + nonce)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer resp.Body.Close()
		var r measure.Receipt
		err = json.NewDecoder(resp.Body).Decode(&r)
		answered <- resp.Status + map[bool]string{true: " whole", false: ""}[err == nil]
	}()
	<-entered
	cancel()
	for end := time.Now().Add(time.Minute); ; { // until nobody is let in
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			break
		}
		c.Close()
		if time.Now().After(end) {
			t.Fatal("the service still listens")
		}
	}
	close(leave)
	if got := <-answered; got != "200 OK whole" {
		t.Errorf("what was being answered: %s", got)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("the service does not end")
	}
}

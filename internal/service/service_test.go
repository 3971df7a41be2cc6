package service

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/offline"
	"gitlauncher/internal/printable"
	"gitlauncher/internal/testenv"
)

func serve(t *testing.T, c Config) (*Service, string) {
	t.Helper()
	if c.Now == nil {
		c.Now = time.Now
	}
	s := New(c)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL
}

func post(t *testing.T, url, body string) (*http.Response, string) {
	t.Helper()
	resp, err := http.Post(url+"/v1/verify", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// TestVerify: the answer is the report of the same evidence, byte for byte, whether the
// request holds its JSON or quotes it.
func TestVerify(t *testing.T) {
	_, url := serve(t, Config{})
	evidence, collateral := testenv.ReadFixture(t, "dstack-quote-report.json"), testenv.ReadFixture(t, "dstack-quote-report.collateral.json")
	const moment, policy = "2026-02-20T00:00:00Z", "PERSISTENT_DISK=accepted\n"
	at, err := time.Parse(time.RFC3339, moment)
	if err != nil {
		t.Fatal(err)
	}
	report, err := offline.Judge(context.Background(), []offline.File{{Name: "policy", Role: offline.Policy, Data: []byte(policy)}, {Name: "c", Role: offline.Collateral, Data: collateral}, {Name: "e", Role: offline.Evidence, Data: evidence}}, at)
	if err != nil {
		t.Fatal(err)
	}
	want, err := printable.Document(report)
	if err != nil {
		t.Fatal(err)
	}
	for name, as := range map[string]func([]byte) any{"JSON": func(b []byte) any { return json.RawMessage(b) }, "a string": func(b []byte) any { return string(b) }} {
		body, err := json.Marshal(map[string]any{"evidence": as(evidence), "collateral": as(collateral), "policy": policy, "at": moment})
		if err != nil {
			t.Fatal(err)
		}
		if resp, got := post(t, url, string(body)); resp.StatusCode != http.StatusOK || got != string(want) {
			t.Errorf("%s: %s\n%s", name, resp.Status, got)
		}
	}
}

// TestRefused: bad requests and bad evidence have different answers.
// SECURITY.md: E15.
func TestRefused(t *testing.T) {
	_, url := serve(t, Config{})
	for body, want := range map[string]struct {
		status int
		words  string
	}{
		"":                                  {400, "the request: "},
		"{}":                                {400, "no evidence is given"},
		`{"evidence":null}`:                 {400, "no evidence is given"},
		`{"evidence":{}}`:                   {422, "evidence is neither"},
		`{"evidence":"x"}`:                  {422, "evidence: "},
		`{"evidence":{},"policy":"X=1"}`:    {400, "policy:1: "},
		`{"evidence":{},"at":"now"}`:        {400, "at is not a time"},
		`{"evidence":{},"polcy":""}`:        {400, "unknown field"},
		`{"evidence":{},"evidence":{}}`:     {400, "evidence"},
		`{"evidence":{},"root":"x"}`:        {400, "unknown field"},
		`{"evidence":{},"collateral":"{}"}`: {400, "collateral: "},
		`{"evidence":{}} {}`:                {400, "the request: "},
	} {
		if resp, got := post(t, url, body); resp.StatusCode != want.status || !strings.Contains(got, want.words) {
			t.Errorf("%s: %s %s", body, resp.Status, got)
		}
	}
	if resp, err := http.Get(url + "/v1/verify"); err != nil || resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %v %v", resp, err)
	} else {
		resp.Body.Close()
	}
}

// TestBounds: a body at and above the bound, one without a length, one that never ends, and
// one for which there is no room.
// SECURITY.md: E15.
func TestBounds(t *testing.T) {
	s, url := serve(t, Config{})
	if resp, got := post(t, url, strings.Repeat(" ", MaxBody)); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("at the bound: %s %s", resp.Status, got)
	}
	if resp, got := post(t, url, strings.Repeat(" ", MaxBody+1)); resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("above the bound: %s %s", resp.Status, got)
	}
	resp, err := http.Post(url+"/v1/verify", "application/json", io.MultiReader(strings.NewReader("{}")))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusLengthRequired {
		t.Errorf("without a length: %s", resp.Status)
	}
	// A slow sender holds the room that the request said it needs, and no more.
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for n := range 2 {
		slow, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer slow.Close()
		if _, err := io.WriteString(slow, "POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 16777216\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(10 * time.Second); s.room.TryAcquire(maxTogether - int64(n+1)*MaxBody + 1); time.Sleep(time.Millisecond) {
			s.room.Release(maxTogether - int64(n+1)*MaxBody + 1)
			if time.Now().After(deadline) {
				t.Fatal("a request that is being sent takes no room")
			}
		}
	}
	resp, got := post(t, url, `{"evidence":{}}`)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !strings.Contains(got, "come again") {
		t.Errorf("without room: %s %s", resp.Status, got)
	}
	health, err := http.Get(url + "/healthz")
	if err != nil || health.StatusCode != http.StatusOK {
		t.Fatalf("and its health: %v", err)
	}
	health.Body.Close()
}

// TestPage: the page is served, nothing else on the disk is, and no other page may
// frame it.
// SECURITY.md: E15.
func TestPage(t *testing.T) {
	_, none := serve(t, Config{})
	_, url := serve(t, Config{Page: map[string][]byte{"index.html": []byte("<p>page"), "THIRD-PARTY-LICENSES": []byte("licences")}})
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		url + "/": {200, "<p>page"}, url + "/THIRD-PARTY-LICENSES": {200, "licences"}, url + "/index.html": {404, ""}, url + "/../etc/passwd": {404, ""}, none + "/": {404, "--page"},
	} {
		resp, err := http.Get(path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != want.status || !bytes.Contains(text, []byte(want.body)) || resp.Header.Get("Content-Security-Policy") != "frame-ancestors 'none'" {
			t.Errorf("%s: %s %s %v", path, resp.Status, text, err)
		}
	}
}

// TestMetrics: judgements and refusals are counted, without a word of anyone who asked.
func TestMetrics(t *testing.T) {
	_, url := serve(t, Config{})
	post(t, url, `{"evidence":{"hostile":1}}`)
	post(t, url, strings.Repeat(" ", MaxBody+1))
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`git_launcher_verify_judgements_total{exit_code="3"} 1`, `git_launcher_verify_refused_total{status="413"} 1`, "git_launcher_verify_seconds_count 1", "process_resident_memory_bytes"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

// TestShutdown: a request that is being answered is answered, and then the service ends.
func TestShutdown(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- New(Config{Now: time.Now}).Serve(ctx, l) }()
	if resp, _ := post(t, "http://"+l.Addr().String(), "{}"); resp.StatusCode != http.StatusBadRequest {
		t.Error(resp.Status)
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("the service does not end")
	}
}

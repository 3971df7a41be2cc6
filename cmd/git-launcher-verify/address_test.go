package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/address"
	"gitlauncher/internal/inputs"
	"gitlauncher/internal/printable"
	"gitlauncher/measure"
	"gitlauncher/verify/report"
)

// TestByAddress: evidence of a server is judged as that of a file, asked for with the nonce of
// the reader; a receipt for another nonce is refused, and a private address is not reached.
// SECURITY.md: E16.
func TestByAddress(t *testing.T) {
	e := launchVM(t)
	var asked []string
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("nonce"))
		switch r.URL.Path {
		case "/receipt":
			w.Write(e.receipt)
		case "/large":
			w.Write(make([]byte, 6<<20+1))
		case "/live":
			http.Error(w, "", http.StatusBadRequest)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	run := func(args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		p := &program{files: &inputs.Files{Stdin: strings.NewReader("")}, stdout: &out, stderr: &errs, now: time.Now, address: address.Client{
			Transport: func() *http.Transport { return s.Client().Transport.(*http.Transport).Clone() },
		}}
		code := p.run(context.Background(), append([]string{"--root", e.file("root.pem"), "--collateral", e.file("collateral.json")}, args...))
		return code, out.String(), errs.String()
	}
	var receipt measure.Receipt
	if err := json.Unmarshal(e.receipt, &receipt); err != nil {
		t.Fatal(err)
	}
	at := s.URL + "/receipt"
	_, want, _ := run("--json", "--at", "2026-11-26T12:00:00Z", e.file("receipt.json"))
	_, got, errs := run("--json", "--at", "2026-11-26T12:00:00Z", "--allow-private", at)
	var r report.Report
	if err := json.Unmarshal([]byte(got), &r); err != nil || errs != "" {
		t.Fatalf("%v %s", err, errs)
	}
	r.Findings = slices.DeleteFunc(r.Findings, func(f report.Finding) bool { return f.Name == "endpoint" }) // a file has none
	if rest, err := printable.Document(&r); err != nil || string(rest) != want {
		t.Errorf("%v, by its address:\n%s\nas a file:\n%s", err, rest, want)
	}
	asked = nil
	if code, out, errs := run("--allow-private", "--nonce", "random", at); code != 4 && code != 3 || !strings.Contains(out, "nonce") {
		t.Errorf("a receipt for another nonce: exit code %d\n%s%s", code, out, errs)
	}
	if code, out, errs := run("--allow-private", "--nonce", "random", at); code == 0 {
		t.Errorf("and again: %s%s", out, errs)
	}
	if len(asked) != 2 || len(asked[0]) != 64 || asked[0] == asked[1] {
		t.Errorf("the nonces were %q", asked)
	}
	asked = nil
	for name, tc := range map[string]struct {
		code int
		args []string
		want string
	}{
		"a private address":   {1, []string{at}, "is no public address"},
		"nothing there":       {1, []string{"--allow-private", s.URL + "/none"}, "status 404"},
		"too much":            {3, []string{"--allow-private", s.URL + "/large"}, "more than 6 MiB"},
		"no https":            {1, []string{"--allow-private", strings.Replace(at, "https", "http", 1)}, "not https"},
		"capitals":            {1, []string{strings.Replace(at, "https", "HTTPS", 1)}, "is no public address"},
		"a credential":        {1, []string{strings.Replace(at, "https://", "https://u:p@", 1)}, "save what is there to a file"},
		"a nonce is wanted":   {1, []string{"--allow-private", s.URL + "/live"}, "status 400; a live endpoint wants a nonce of 32 bytes: --nonce random"},
		"offline":             {2, []string{"--offline", at}, "take no address"},
		"a file, and private": {2, []string{"--allow-private", e.file("receipt.json")}, "is for evidence by its address"},
	} {
		if code, _, errs := run(tc.args...); code != tc.code || !strings.Contains(errs, tc.want) {
			t.Errorf("%s: exit code %d, %s", name, code, errs)
		}
	}
	if len(asked) != 3 {
		t.Errorf("%d requests arrived, and 3 were to", len(asked))
	}
}

// TestGuestAgentByAddress: where a deployment lets anyone ask its guest agent, one command
// asks it for a quote over a nonce of the reader, and judges that. An agent that answers
// with an older quote is refused.
// SECURITY.md: E16.
func TestGuestAgentByAddress(t *testing.T) {
	e := launchVM(t)
	agent := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "dstack" },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", e.file("sock"))
		}},
	}
	var old []byte
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path, stale := strings.CutPrefix(r.URL.Path, "/stale"); stale {
			r.URL.Path = path
			if path == "/GetQuote" {
				w.Write(old)
				return
			}
		}
		agent.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	resp, err := s.Client().Post(s.URL+"/GetQuote", "application/json", strings.NewReader(`{"report_data":"00"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if old, err = io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %s", err, old)
	}
	for _, tc := range []struct {
		path, nonce string
		code        int
		want        string
	}{
		{"/GetQuote", "random", 0, `(?m)^ok +nonce +the quote was made for it`},
		{"/stale/GetQuote", "random", 4, `(?m)^NOT ALLOWED +nonce .*\n(.*\n)*.*the quote was not made for the nonce`},
		{"/stale/GetQuote", "00", 4, `(?m)^NOT ALLOWED +nonce `}, // zeros are no answer to so short a nonce
	} {
		var out, errs bytes.Buffer
		p := &program{files: &inputs.Files{Stdin: strings.NewReader("")}, stdout: &out, stderr: &errs, now: time.Now, address: address.Client{
			Transport: func() *http.Transport { return s.Client().Transport.(*http.Transport).Clone() },
		}}
		code := p.run(t.Context(), []string{"--root", e.file("root.pem"), "--collateral", e.file("collateral.json"), "--policy", e.file("policy.conf"), "--endpoint", "unbound", "--allow-private", "--nonce", tc.nonce, s.URL + tc.path})
		if code != tc.code || !regexp.MustCompile(tc.want).MatchString(out.String()) {
			t.Errorf("%s, --nonce %s: exit code %d\n%s%s", tc.path, tc.nonce, code, &out, &errs)
		}
	}
}

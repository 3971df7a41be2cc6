package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gitlauncher/internal/inputs"
	"gitlauncher/internal/sigstore"
	"gitlauncher/verify/report"
)

// silent is a server that takes connections and never answers.
func silent(t *testing.T) *httptest.Server {
	done := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-done:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(done); s.Close() })
	return s
}

// TestSigstoreFails: a TUF repository that refuses, is junk or never answers
// leaves the verdict open, and the reader with something to do.
// SECURITY.md: E8.
func TestSigstoreFails(t *testing.T) {
	e := launchVM(t)
	refuses := httptest.NewServer(http.NotFoundHandler())
	defer refuses.Close()
	junk := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("{}")) }))
	defer junk.Close()
	bundle := sigstoreFile(t, "pkg/testing/data/bundles/sigstore.js@2.0.0-provenance.sigstore.json") // before HOME changes
	for name, tc := range map[string]struct{ mirror, says string }{
		"refuses": {refuses.URL, "fetching Sigstore's trusted root from " + refuses.URL},
		"junk":    {junk.URL, "fetching Sigstore's trusted root from " + junk.URL},
		"silent":  {silent(t).URL, "gave no answer within 200ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("HOME", t.TempDir())
			var out, errs bytes.Buffer
			p := &program{files: &inputs.Files{Stdin: strings.NewReader("")}, stdout: &out, stderr: &errs, now: time.Now, sigstore: sigstore.Client{Repository: tc.mirror, Patience: 200 * time.Millisecond}}
			code := p.run(t.Context(), []string{"--root", e.file("root.pem"), "--collateral", e.file("collateral.json"), "--policy", e.file("policy.conf"), "--provenance-repo", "a/b",
				"--provenance", bundle, e.file("receipt.json")})
			if code != report.ExitUndecided || !strings.Contains(errs.String(), tc.says) || !strings.Contains(errs.String(), "give it with --trusted-root FILE") || !strings.Contains(out.String(), "?              provenance") {
				t.Errorf("exit code %d\n%s%s", code, out.String(), errs.String())
			}
		})
	}
}

// TestSilentRegistry: the evidence says which registry is asked. One that never
// answers is not waited for beyond the deadline, and a forgery's is not asked.
// SECURITY.md: E8.
func TestSilentRegistry(t *testing.T) {
	var asked atomic.Int64
	never := silent(t)
	counting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		never.Config.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(counting.Close)
	registry := strings.TrimPrefix(counting.URL, "http://")
	e := launchBy(t, registry+"/launcher@"+launcherDigest)
	ask := func(receipt string) (code int, out, errs string) {
		var o, x bytes.Buffer
		p := &program{files: &inputs.Files{Stdin: strings.NewReader("")}, stdout: &o, stderr: &x, now: time.Now, sigstore: sigstore.Client{Patience: 200 * time.Millisecond}}
		code = p.run(t.Context(), []string{"--root", e.file("root.pem"), "--collateral", e.file("collateral.json"), "--policy", e.file("policy.conf"), "--provenance-repo", "a/b",
			"--trusted-root", sigstoreFile(t, "pkg/testing/data/trusted-roots/public-good.json"), "--provenance", "registry", receipt})
		return code, o.String(), x.String()
	}
	forged := strings.Replace(string(e.receipt), "storage-fs", "storage-FS", 1)
	if err := os.WriteFile(e.file("forged.json"), []byte(forged), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := ask(e.file("forged.json")); code != report.ExitInvalid || asked.Load() > 0 {
		t.Errorf("exit code %d after %d requests for a forgery\n%s", code, asked.Load(), errs)
	}
	code, out, errs := ask(e.file("receipt.json"))
	if code != report.ExitUndecided || !strings.Contains(errs, registry+" gave no answer within 200ms; give the bundle with --provenance FILE") || !strings.Contains(out, "there is no Sigstore bundle") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

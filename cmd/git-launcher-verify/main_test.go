package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/inputs"
	"gitlauncher/internal/pccstest"
	"gitlauncher/internal/sim"
	"gitlauncher/internal/sim/tdx"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
)

const launcherDigest = "sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"

// simulated is what a simulated VM leaves after one launch, in files.
type simulated struct {
	dir        string
	receipt    []byte
	collateral tdx.Collateral
}

func (e *simulated) file(name string) string { return filepath.Join(e.dir, name) }

// launchVM launches in a simulated VM through the launcher's own client.
func launchVM(t testing.TB, change ...func(*measure.GitRecord)) *simulated {
	t.Helper()
	return launchBy(t, "x@"+launcherDigest, change...)
}

// launchBy does so with a launcher of that image.
func launchBy(t testing.TB, image string, change ...func(*measure.GitRecord)) *simulated {
	t.Helper()
	config := "REPO_URL=https://example.org/r.git\nCOMMIT_SHA=" + strings.Repeat("1", 40) + "\n"
	file := "services:\n  launcher:\n    image: " + image + "\n    read_only: true\n    environment:\n      GIT_LAUNCHER_CONFIG: |\n        " +
		strings.ReplaceAll(strings.TrimSpace(config), "\n", "\n        ") + "\n"
	return launchFile(t, file, config, change...)
}

// launchFile does so with another compose file.
func launchFile(t testing.TB, file, config string, change ...func(*measure.GitRecord)) *simulated {
	t.Helper()
	app, _ := json.Marshal(map[string]any{"runner": "docker-compose", "docker_compose_file": file})
	m, err := sim.New(sim.Options{Dstack: sim.V05, AppCompose: app, Now: time.Now(), TEETCBSVN: [16]byte{3, 1}})
	if err != nil {
		t.Fatal(err)
	}
	e := &simulated{dir: t.TempDir()}
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- m.Serve(ctx, e.file("sock"), func() { close(ready) }) }()
	<-ready
	t.Cleanup(func() { cancel(); <-done })
	agent, err := dstack.New(e.file("sock"), 10*time.Second, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	record := measure.GitRecord{Commit: strings.Repeat("1", 40), RepoURL: "https://example.org/r.git", ConfigSHA256: fmt.Sprintf("%x", sha256Of(config)), Entrypoint: "entrypoint.sh"}
	for _, c := range change {
		c(&record)
	}
	raw, err := record.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := hex.DecodeString(record.Commit)
	events := []measure.Event{{Name: measure.EventCommit, Payload: id}, {Name: measure.EventLaunch, Payload: raw}}
	if _, _, err := measure.Emit(ctx, agent, events, func(context.Context, time.Duration) error { return nil }); err != nil {
		t.Fatal(err)
	}
	r, err := agent.Receipt(ctx, measure.Recorded, raw, measure.Asked{})
	if err != nil {
		t.Fatal(err)
	}
	collateral, err := m.Collateral()
	if err == nil {
		err = json.Unmarshal(collateral, &e.collateral)
	}
	if err != nil {
		t.Fatal(err)
	}
	if e.receipt, err = r.Marshal(); err != nil {
		t.Fatal(err)
	}
	policy := string(m.Policy()) + "LAUNCHER_IMAGE_DIGEST=" + launcherDigest + "\nCOMMIT_SHA=" + record.Commit + "\n"
	for name, data := range map[string][]byte{"receipt.json": e.receipt, "root.pem": m.RootPEM(), "collateral.json": collateral, "policy.conf": []byte(policy)} {
		if err := os.WriteFile(e.file(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// run runs the program and gives exit code and output.
func run(t testing.TB, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	p := &program{files: &inputs.Files{Stdin: strings.NewReader("")}, stdout: &out, stderr: &errs, now: time.Now}
	code = p.run(t.Context(), args)
	return code, out.String(), errs.String()
}

func sha256Of(s string) [32]byte { return sha256.Sum256([]byte(s)) }

func serve(t testing.TB, c tdx.Collateral) *pccstest.Service {
	s := pccstest.Start(c)
	t.Cleanup(s.Close)
	return s
}

// TestPCCS: collateral from a service, then from the cache. A service that fails leaves
// the verdict open, and one that lies is caught by signatures.
func TestPCCS(t *testing.T) {
	e := launchVM(t)
	s := serve(t, e.collateral)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	args := []string{"--root", e.file("root.pem"), "--policy", e.file("policy.conf"), "--pccs", s.URL, e.file("receipt.json")}
	if code, out, errs := run(t, args...); code != 0 || s.Asked() != 4 {
		t.Fatalf("exit code %d after %d requests\n%s%s", code, s.Asked(), out, errs)
	}
	if code, _, _ := run(t, args...); code != 0 || s.Asked() != 4 {
		t.Errorf("exit code %d, and the cache was not used", code)
	}
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	s.Break(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(404); return true })
	if code, out, errs := run(t, args...); code != 1 || !strings.Contains(errs, "fetching collateral from "+s.URL) || !strings.Contains(out, "UNDECIDED") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
	c := e.collateral
	c.TCBInfo = strings.Replace(c.TCBInfo, "UpToDate", "upToDate", 1)
	args[5] = serve(t, c).URL
	if code, out, _ := run(t, args...); code != 3 {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

// TestTable: a narrow width wraps, and colours are only where they are asked for.
func TestTable(t *testing.T) {
	e := launchVM(t)
	args := []string{"--offline", "--root", e.file("root.pem"), "--collateral", e.file("collateral.json"), "--policy", e.file("policy.conf")}
	_, plainOut, _ := run(t, append(args, e.file("receipt.json"))...)
	for line := range strings.SplitSeq(plainOut, "\n") {
		if len(line) > widthElsewhere || strings.TrimRight(line, " ") != line || strings.Contains(line, "\x1b") {
			t.Errorf("line %q", line)
		}
	}
	_, coloured, _ := run(t, append(args, "--color", "always", e.file("receipt.json"))...)
	if !strings.Contains(coloured, "\x1b[32mok\x1b[0m") {
		t.Error("no colours where they were asked for")
	}
}

// TestEscapes: evidence can't write to the terminal.
// SECURITY.md: E7.
func TestEscapes(t *testing.T) {
	e := launchVM(t)
	hostile := strings.Replace(string(e.receipt), `\"storage-fs\"`, `\"st\\u001b[2J\\u202e\\u009b\\udb40\\udc01orage-fs\"`, 1)
	if hostile == string(e.receipt) {
		t.Fatal("nothing was changed")
	}
	if err := os.WriteFile(e.file("hostile.json"), []byte(hostile), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--offline", "--root", e.file("root.pem"), e.file("hostile.json")}, {"inspect", e.file("hostile.json")},
		{"--json", "--offline", "--root", e.file("root.pem"), e.file("hostile.json")}, {"inspect", "--json", e.file("hostile.json")}, {"--batch", "--offline", "--root", e.file("root.pem"), e.file("hostile.json")}} {
		_, out, errs := run(t, args...)
		if strings.ContainsAny(out+errs, "\x1b\u202e\u009b\U000e0001") {
			t.Errorf("%s: an escape sequence comes through", args[0])
		}
	}
}

// TestProvenanceAsked: what is missing is said, and junk is refused.
func TestProvenanceAsked(t *testing.T) {
	e := launchVM(t)
	args := []string{"--offline", "--root", e.file("root.pem"), "--collateral", e.file("collateral.json"), "--policy", e.file("policy.conf"), "--provenance-repo", "a/b"}
	code, out, _ := run(t, append(args, e.file("receipt.json"))...)
	if code != 1 || !strings.Contains(out, "there is no Sigstore bundle") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if err := os.WriteFile(e.file("bundle.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, _ = run(t, append(args, "--provenance", e.file("bundle.json"), e.file("receipt.json"))...)
	if code != 1 || !strings.Contains(out, "no trusted root") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	trusted := sigstoreFile(t, "pkg/testing/data/trusted-roots/public-good.json")
	for _, bundle := range []string{e.file("bundle.json"), sigstoreFile(t, "pkg/testing/data/bundles/sigstore.js@2.0.0-provenance.sigstore.json")} {
		code, out, _ = run(t, append(args, "--trusted-root", trusted, "--provenance", bundle, e.file("receipt.json"))...)
		if code != 4 || !strings.Contains(out, "NOT ALLOWED    provenance") {
			t.Errorf("exit code %d\n%s", code, out)
		}
	}
	if code, _, errs := run(t, append(args, "--trusted-root", e.file("bundle.json"), e.file("receipt.json"))...); code != 2 {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

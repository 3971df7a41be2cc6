package pccs_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/pccs"
	"gitlauncher/internal/pccstest"
	"gitlauncher/internal/sim/tdx"
	"gitlauncher/verify/quote"
)

const fmspc = "90c06f000000"

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// site returns a service with good collateral, the root that it is good under, and the
// collateral; the cache is empty.
func site(t *testing.T) (*pccstest.Service, *quote.Root, tdx.Collateral) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	pki, err := tdx.NewPKI(tdx.Platform{FMSPC: [6]byte{0x90, 0xc0, 0x6f}, PCESVN: 11, Dates: tdx.Validity{From: now.Add(-time.Hour), Until: now.Add(time.Hour)}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := pki.Collateral([16]byte{3, 1}, tdx.Enclave{ProdID: 2, SVN: 4}, tdx.Statuses{Platform: "UpToDate", Module: "UpToDate", QE: "UpToDate"})
	if err != nil {
		t.Fatal(err)
	}
	root, err := quote.ParseRoot(pki.RootPEM())
	if err != nil {
		t.Fatal(err)
	}
	s := pccstest.Start(*c)
	t.Cleanup(s.Close)
	return s, root, *c
}

func clock() time.Time { return now }

// TestOnce: a client asks for a family once: four requests.
func TestOnce(t *testing.T) {
	s, root, _ := site(t)
	client := pccs.New(s.URL, root, clock)
	for range 3 {
		c, err := client.Collateral(t.Context(), fmspc)
		if err != nil || !c.Check(root, now).Good() {
			t.Fatal(c, err)
		}
	}
	if s.Asked() != 4 {
		t.Errorf("%d requests", s.Asked())
	}
}

// TestFaults: whatever a service does wrong is an error that names it, and is not kept.
func TestFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		fault pccstest.Fault
		says  string
	}{
		"500": {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(500); return true }, "500 Internal Server Error"},
		"404": {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(404); return true }, "404 Not Found"},
		"no chain": {func(w http.ResponseWriter, _ *http.Request) bool {
			io.WriteString(w, `{"tcbInfo":{},"signature":"00"}`)
			return true
		}, "the answer has no Tcb-Info-Issuer-Chain"},
		"junk": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("TCB-Info-Issuer-Chain", "x")
			io.WriteString(w, "{")
			return true
		}, "TCB info: "},
		"breaks off": {func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, "EOF"},
		"too much":   {func(w http.ResponseWriter, _ *http.Request) bool { w.Write(make([]byte, 5<<20)); return true }, "larger than 1 MiB"},
		"no root CRL": {func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "rootcacrl") {
				w.WriteHeader(404)
				return true
			}
			return false
		}, "rootcacrl: 404"},
		"two signatures": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("TCB-Info-Issuer-Chain", "x")
			io.WriteString(w, `{"tcbInfo":{},"signature":"00","signature":"01"}`)
			return true
		}, "TCB info: "},
	} {
		t.Run(name, func(t *testing.T) {
			s, root, _ := site(t)
			s.Break(tc.fault)
			c, err := pccs.New(s.URL, root, clock).Collateral(t.Context(), fmspc)
			if err == nil || !strings.Contains(err.Error(), "fetching collateral from "+s.URL) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%v, %v", c, err)
			}
			s.Break(nil)
			if _, err := pccs.New(s.URL, root, clock).Collateral(t.Context(), fmspc); err != nil {
				t.Errorf("the error was kept: %v", err)
			}
		})
	}
}

// TestCache: the cache is trusted no more than the service, and only what is good is
// put into it.
func TestCache(t *testing.T) {
	s, root, c := site(t)
	c.TCBInfo = strings.Replace(c.TCBInfo, "UpToDate", "upToDate", 1)
	liar := pccstest.Start(c)
	defer liar.Close()
	files := func() []string {
		dir, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		found, err := filepath.Glob(filepath.Join(dir, "git-launcher-verify", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if got, err := pccs.New(liar.URL, root, clock).Collateral(t.Context(), fmspc); err != nil || got.Check(root, now).Good() || len(files()) > 0 {
		t.Errorf("a lie: %v, in the cache: %q", err, files())
	}
	if _, err := pccs.New(s.URL, root, clock).Collateral(t.Context(), fmspc); err != nil || len(files()) != 1 {
		t.Fatalf("%v, in the cache: %q", err, files())
	}
	fresh := func() *pccs.Client {
		if err := os.Chtimes(files()[0], now, now); err != nil {
			t.Fatal(err)
		}
		return pccs.New(s.URL, root, clock)
	}
	if _, err := fresh().Collateral(t.Context(), fmspc); err != nil || s.Asked() != 4 {
		t.Errorf("%d requests, and the cache was not used: %v", s.Asked(), err)
	}
	for name, data := range map[string][]byte{"junk": []byte("{"), "a flood": make([]byte, quote.MaxCollateral+1)} {
		before := s.Asked()
		if err := os.WriteFile(files()[0], data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := fresh().Collateral(t.Context(), fmspc); err != nil || !got.Check(root, now).Good() || s.Asked() != before+4 {
			t.Errorf("%s in the cache: %v", name, err)
		}
	}
}

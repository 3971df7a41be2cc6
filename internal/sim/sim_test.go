package sim_test

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-tdx-guest/pcs"
	"github.com/google/go-tdx-guest/verify"

	"gitlauncher/internal/sim"
	"gitlauncher/internal/sim/tdx"
	"gitlauncher/measure"
	"gitlauncher/measure/dstack"
	"gitlauncher/verify/quote"
)

const compose = `{"name":"demo","runner":"docker-compose"}`

// start boots a machine of dstack 0.5, unless change says otherwise.
func start(t *testing.T, change func(*sim.Options)) *sim.Machine {
	t.Helper()
	o := sim.Options{Dstack: sim.V05, AppCompose: []byte(compose), Seed: "test", Now: time.Now(), TEETCBSVN: [16]byte{3, 1}}
	if change != nil {
		change(&o)
	}
	m, err := sim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// serve serves a machine on a socket, and returns the launcher's own client of it.
func serve(t *testing.T, m *sim.Machine) *dstack.Client {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "dstack.sock")
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- m.Serve(ctx, socket, func() { close(ready) }) }()
	<-ready
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	c, err := dstack.New(socket, 2*time.Second, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tdxVerify(t *testing.T, m *sim.Machine, quote []byte) error {
	t.Helper()
	data, err := m.Collateral()
	if err != nil {
		t.Fatal(err)
	}
	var c tdx.Collateral
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(m.RootPEM()) {
		t.Fatal("the root is not a certificate")
	}
	now := time.Now()
	return verify.RawTdxQuote(quote, &verify.Options{
		CheckRevocations: true, GetCollateral: true, Getter: &c, TrustedRoots: roots,
		Now: &verify.TimeSet{PckCertChain: now, TcbInfo: now, QeIdentity: now, PckCrl: now, RootCaCrl: now},
	})
}

func TestQuotesVerifyWithAnIndependentVerifier(t *testing.T) {
	for _, svn := range [][16]byte{{3, 0}, {3, 1}, {5, 3}} {
		m := start(t, func(o *sim.Options) { o.TEETCBSVN = svn })
		quote, err := m.Quote([64]byte{1, 2, 3})
		if err != nil {
			t.Fatal(err)
		}
		if err := tdxVerify(t, m, quote); err != nil {
			t.Errorf("TEE_TCB_SVN %v: %v", svn[:2], err)
		}
		quote[600]++ // in the report data
		if tdxVerify(t, m, quote) == nil {
			t.Error("a changed quote verifies")
		}
	}
}

func TestOtherStatusesAreSeen(t *testing.T) {
	for _, st := range []tdx.Statuses{{QE: "OutOfDate"}, {Module: "OutOfDate"}} {
		m := start(t, func(o *sim.Options) { o.Statuses = st })
		quote, err := m.Quote([64]byte{})
		if err != nil {
			t.Fatal(err)
		}
		if tdxVerify(t, m, quote) == nil {
			t.Errorf("%+v verifies", st)
		}
	}
}

func TestPCKHasSixExtensions(t *testing.T) {
	m := start(t, nil)
	quote, err := m.Quote([64]byte{})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(quote[strings.Index(string(quote), "-----BEGIN"):])
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if len(cert.Extensions) != 6 {
		t.Errorf("the PCK certificate has %d extensions", len(cert.Extensions))
	}
	ext, err := pcs.PckCertificateExtensions(cert)
	if err != nil {
		t.Fatal(err)
	}
	if ext.FMSPC != "90c06f000000" || ext.TCB.PCESvn != 11 {
		t.Errorf("extension reads as %+v", ext)
	}
}

// TestEventsExtend compares the simulator's digests with package measure's: two
// implementations of one format.
func TestEventsExtend(t *testing.T) {
	m := start(t, nil)
	c := serve(t, m)
	ctx := context.Background()
	events := []measure.Event{{Name: "git-commit", Payload: []byte{1, 2}}, {Name: "git-launch", Payload: []byte(`{"v":"1"}`)}}
	for range 2 { // the second time finds them there
		boot, _, err := measure.Emit(ctx, c, events, noSleep)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range boot.Events {
			names = append(names, e.Name)
		}
		want := []string{"system-preparing", "app-id", "compose-hash", "instance-id", "boot-mr-done", "key-provider", "storage-fs", "system-ready", "git-commit", "git-launch"}
		if d := cmp.Diff(want, names); d != "" {
			t.Fatal(d)
		}
	}
	sum := sha256.Sum256([]byte(compose))
	state, _ := c.State(ctx)
	i := slices.IndexFunc(state.Log, func(e measure.Entry) bool { return e.Event == "compose-hash" })
	if got := state.Log[i].Payload; got != hex.EncodeToString(sum[:]) {
		t.Errorf("compose-hash is %s", got)
	}
	r, err := c.Receipt(ctx, measure.Recorded, events[1].Payload, measure.Asked{Nonce: []byte("nonce")})
	if err != nil {
		t.Fatal(err)
	}
	quote, _ := hex.DecodeString(r.Quote)
	data := measure.Asked{Nonce: []byte("nonce")}.ReportData(events[1].Payload)
	if got := [64]byte(quote[48+520:]); got != data {
		t.Error("the quote carries other report data")
	}
	if got := measure.Register(quote[48+472:][:48]); got != state.RTMR3 {
		t.Error("the quote carries another RTMR3")
	}
	log, err := measure.ParseLog([]byte(r.EventLog))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range log {
		if e.IMR == 3 && e.Digest != "" {
			t.Error("GetQuote's log has a digest for RTMR3, which dstack leaves empty")
		}
	}
	if again, err := log.Replay(); err != nil || measure.End(again) != state.RTMR3 {
		t.Errorf("GetQuote's log does not replay: %v", err)
	}
}

func noSleep(context.Context, time.Duration) error { return nil }

// TestStatusNames: the statuses to choose from are those that the verifier knows.
func TestStatusNames(t *testing.T) {
	var known []string
	for _, s := range quote.Statuses() {
		known = append(known, string(s))
	}
	if d := cmp.Diff(known, tdx.StatusNames()); d != "" {
		t.Error(d)
	}
}

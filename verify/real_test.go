package verify_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"gitlauncher/internal/strictjson"
	"gitlauncher/internal/testenv"
	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
)

func intel(t testing.TB) *quote.Root {
	t.Helper()
	r, err := quote.IntelRoot()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func moment(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func expecting(t testing.TB, lines ...string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("policy", []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// want asserts exit code and, for each check letter, the worst outcome.
func want(t *testing.T, r *report.Report, code int, worst map[string]report.Outcome) {
	t.Helper()
	got := map[string]report.Outcome{}
	rank := map[report.Outcome]int{report.Note: 0, report.Pass: 1, report.Undecided: 2, report.NotAllowed: 3, report.Invalid: 4}
	for _, f := range r.Findings {
		if have, ok := got[f.Check]; !ok || rank[f.Outcome] > rank[have] {
			got[f.Check] = f.Outcome
		}
	}
	bad := r.ExitCode != code
	for check, o := range worst {
		bad = bad || got[check] != o
	}
	if bad {
		t.Errorf("exit code %d (want %d), worst outcomes %v (want %v)", r.ExitCode, code, got, worst)
		for _, f := range r.Findings {
			t.Logf("%s %-12s %-26s %.150s | %.100s", f.Check, f.Outcome, f.Name, f.Why, f.Found)
		}
	}
}

// nearPolicy expects what near-public-data.json's quote and compose hold.
func nearPolicy(t testing.TB, e *evidence.Evidence, more ...string) *policy.Policy {
	q, err := quote.Parse(e.Quote)
	if err != nil {
		t.Fatal(err)
	}
	return expecting(t, append([]string{
		"MRTD=" + q.MRTD.String(), "RTMR0=" + q.RTMR[0].String(), "RTMR1=" + q.RTMR[1].String(), "RTMR2=" + q.RTMR[2].String(),
		"LAUNCHER_IMAGE_DIGEST=sha256:5618a93a78c9ac9173e7ebf7c8af173bd675be6832a2f8c2a9a7149ac2678f54",
		"IMAGE_DIGEST=sha256:564a5aebc33495d5610626d23cb9e3da8e9d531d0edff9e38aa1ccaf059c15d3",
		"KEY_PROVIDER=local-sgx:6b5ed02e549a1c30aaa8e3171a045f1f449b0017353ef595e78e39c348c98d01", "PERSISTENT_DISK=accepted", "COLLATERAL=evidence",
		"ACCEPT_ADVISORY=DEV-IMAGE,GHSA-c79w-3x5w-gmm5", // the node's system is dstack-dev-0.5.8
	}, more...)...)
}

func parse(t testing.TB, data []byte) *evidence.Evidence {
	t.Helper()
	e, err := evidence.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestNEARNode(t *testing.T) {
	e := parse(t, testenv.ReadFixture(t, "near-public-data.json"))
	if e.Kind != evidence.KindNEAR {
		t.Fatalf("kind is %s", e.Kind)
	}
	at := verify.Params{Root: intel(t), At: moment(t, "2026-08-20T00:00:00Z")}
	judge := func(p *policy.Policy) *report.Report {
		at.Policy = p
		return verify.Judge(t.Context(), e, at)
	}
	// The second service runs the launcher's image and mounts Docker's volumes.
	want(t, judge(nearPolicy(t, e)), 4, map[string]report.Outcome{"A": report.Pass, "B": report.Pass, "C": report.Pass, "D": report.NotAllowed, "E": report.Pass})
	allowed := judge(nearPolicy(t, e, "ALLOW_COMPOSE=service:signer-key-export@sha256:cda8e3f64bde7c90e83bb50472be923c31c0b2cedf40bdcb85718c3414479907"))
	want(t, allowed, 0, map[string]report.Outcome{"D": report.Pass, "E": report.Pass})
	outcome(t, allowed, 0, "A", "collateral", report.Note) // the node's own: it may choose an older one
	for _, f := range allowed.Findings {
		if f.Name == "collateral" && !strings.Contains(f.Found, "issued 2026-08-1") {
			t.Errorf("collateral %q", f.Found)
		}
		if strings.Contains(f.Found, "nothing but the launcher has") {
			t.Errorf("the report says %q, and the exception has", f.Found)
		}
	}
	want(t, judge(nil), 4, map[string]report.Outcome{"A": report.Undecided, "B": report.NotAllowed, "C": report.Pass, "D": report.NotAllowed, "E": report.Undecided})
	outcome(t, judge(nil), 4, "A", "collateral", report.Undecided)
	other := "IMAGE_DIGEST=sha256:" + strings.Repeat("0", 64)
	want(t, judge(expecting(t, other)), 4, map[string]report.Outcome{"E": report.NotAllowed})
	at.At = moment(t, "2026-10-20T00:00:00Z")
	want(t, judge(nearPolicy(t, e)), 3, map[string]report.Outcome{"A": report.Invalid})
	at.At = moment(t, "2026-08-01T00:00:00Z")
	want(t, judge(nearPolicy(t, e)), 3, map[string]report.Outcome{"A": report.Invalid})
}

func TestDstackQuoteReport(t *testing.T) {
	e := parse(t, testenv.ReadFixture(t, "dstack-quote-report.json"))
	collateral, err := quote.ParseCollateral(testenv.ReadFixture(t, "dstack-quote-report.collateral.json"))
	if err != nil {
		t.Fatal(err)
	}
	p := verify.Params{Root: intel(t), At: moment(t, "2026-02-20T00:00:00Z"), Collateral: collateral}
	want(t, verify.Judge(t.Context(), e, p), 1, map[string]report.Outcome{"A": report.Pass, "B": report.Undecided, "C": report.Pass, "D": report.Undecided, "E": report.Undecided})
	p.Policy = expecting(t, "COMMIT_SHA="+strings.Repeat("1", 40)) // which may be pinned, by a compose that is not here
	want(t, verify.Judge(t.Context(), e, p), 1, map[string]report.Outcome{"E": report.Undecided})
	p.Policy = expecting(t, "LAUNCH=recorded", "COMMIT_SHA="+strings.Repeat("1", 40))
	want(t, verify.Judge(t.Context(), e, p), 4, map[string]report.Outcome{"E": report.NotAllowed})
	p.Collateral = nil
	want(t, verify.Judge(t.Context(), e, p), 4, map[string]report.Outcome{"A": report.Undecided})
}

// every is the step of TestEverySingleByte: the default tries every 7th byte, and
// `go test ./verify -run TestEverySingleByte -args -every 1` each, which takes a minute.
var every = flag.Int("every", 7, "try every Nth byte of the attested parts")

// flips is a pool that judges evidence with one byte changed.
type flips struct {
	t     *testing.T
	group errgroup.Group
	tried atomic.Int64
}

// over changes bytes of one part, one at a time, and fails if any goes unnoticed.
func (f *flips) over(part string, b []byte, judge func([]byte) *report.Report) {
	for i := 0; i < len(b); i += *every {
		f.group.Go(func() error {
			changed := bytes.Clone(b)
			changed[i] ^= 1 << (i % 8)
			f.tried.Add(1)
			if r := judge(changed); r.ExitCode == 0 {
				f.t.Errorf("%s: byte %d can be changed", part, i)
			}
			return nil
		})
	}
}

// TestEverySingleByte flips every byte of everything that is attested, one at a
// time; none may go unnoticed.
// SECURITY.md: E1.
func TestEverySingleByte(t *testing.T) {
	good := parse(t, testenv.ReadFixture(t, "near-public-data.json"))
	p := verify.Params{Root: intel(t), At: moment(t, "2026-08-20T00:00:00Z"), Policy: nearPolicy(t, good, "ALLOW_COMPOSE=service:signer-key-export@sha256:cda8e3f64bde7c90e83bb50472be923c31c0b2cedf40bdcb85718c3414479907"), Shared: verify.NewShared()}
	want(t, verify.Judge(t.Context(), good, p), 0, nil)
	f := &flips{t: t}
	f.group.SetLimit(runtime.GOMAXPROCS(0))
	with := func(change func(e *evidence.Evidence)) *report.Report {
		e := *good
		change(&e)
		return verify.Judge(t.Context(), &e, p)
	}
	// Header, report, signature, attestation key, QE report, its signature and
	// authentication data; the certificates after that are PEM, whose line breaks
	// are not attested.
	chain := strings.Index(string(good.Quote), "-----BEGIN")
	f.over("quote", good.Quote[:chain], func(b []byte) *report.Report {
		return with(func(e *evidence.Evidence) { e.Quote = append(b, good.Quote[chain:]...) })
	})
	f.over("app-compose", good.AppCompose, func(b []byte) *report.Report {
		return with(func(e *evidence.Evidence) { e.AppCompose = b })
	})
	f.collateral(good.Collateral, with)
	f.log(good.Log, with)
	_ = f.group.Wait() // failures are the test's
	t.Logf("%d mutations tried, all caught", f.tried.Load())
}

func (f *flips) collateral(good *quote.Collateral, with func(func(e *evidence.Evidence)) *report.Report) {
	for part, field := range map[string]func(c *quote.Collateral) *strictjson.Bytes{
		"root CA CRL":           func(c *quote.Collateral) *strictjson.Bytes { return &c.RootCACRL },
		"PCK CRL":               func(c *quote.Collateral) *strictjson.Bytes { return &c.PCKCRL },
		"TCB info signature":    func(c *quote.Collateral) *strictjson.Bytes { return &c.TCBInfoSignature },
		"QE identity signature": func(c *quote.Collateral) *strictjson.Bytes { return &c.QEIdentitySignature },
	} {
		f.over(part, *field(good), func(b []byte) *report.Report {
			other := *good
			*field(&other) = b
			return with(func(e *evidence.Evidence) { e.Collateral = &other })
		})
	}
	for part, field := range map[string]func(c *quote.Collateral) *string{
		"TCB info":    func(c *quote.Collateral) *string { return &c.TCBInfo },
		"QE identity": func(c *quote.Collateral) *string { return &c.QEIdentity },
	} {
		f.over(part, []byte(*field(good)), func(b []byte) *report.Report {
			other := *good
			*field(&other) = string(b)
			return with(func(e *evidence.Evidence) { e.Collateral = &other })
		})
	}
}

func (f *flips) log(good measure.Log, with func(func(e *evidence.Evidence)) *report.Report) {
	for i, entry := range good {
		if entry.IMR != measure.IMR {
			continue
		}
		set := func(change func(e *measure.Entry)) *report.Report {
			return with(func(e *evidence.Evidence) {
				e.Log = slices.Clone(good)
				change(&e.Log[i])
			})
		}
		payload, _ := hex.DecodeString(entry.Payload)
		digest, _ := hex.DecodeString(entry.Digest)
		f.over(entry.Event+", name", []byte(entry.Event), func(b []byte) *report.Report {
			return set(func(e *measure.Entry) { e.Event = string(b) })
		})
		f.over(entry.Event+", payload", payload, func(b []byte) *report.Report {
			return set(func(e *measure.Entry) { e.Payload = hex.EncodeToString(b) })
		})
		f.over(entry.Event+", digest", digest, func(b []byte) *report.Report {
			return set(func(e *measure.Entry) { e.Digest = hex.EncodeToString(b) })
		})
	}
}

func FuzzParseEvidence(f *testing.F) {
	root, err := quote.IntelRoot()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := evidence.Parse(data)
		if err != nil {
			return
		}
		r := verify.Judge(t.Context(), e, verify.Params{Root: root, At: now})
		if r.ExitCode == 0 {
			t.Fatal("verified without a policy")
		}
	})
}

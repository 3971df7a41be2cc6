package verify_test

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gitlauncher/verify"
	"gitlauncher/verify/quote"
)

// fixture reads real evidence from beside the checkout. Where that folder is
// missing the test is skipped, visibly; where it is there, each file must be.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	dir := filepath.Join("..", "..", "shared", "fixtures")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no folder of real evidence beside the checkout")
	}
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

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

func policy(t testing.TB, lines ...string) *verify.Policy {
	t.Helper()
	p, err := verify.ParsePolicy("policy", []byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// want asserts exit code and, for each check letter, the worst outcome.
func want(t *testing.T, r *verify.Report, code int, worst map[string]verify.Outcome) {
	t.Helper()
	got := map[string]verify.Outcome{}
	rank := map[verify.Outcome]int{verify.Note: 0, verify.Pass: 1, verify.Undecided: 2, verify.NotAllowed: 3, verify.Invalid: 4}
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
func nearPolicy(t testing.TB, e *verify.Evidence, more ...string) *verify.Policy {
	q, err := quote.Parse(e.Quote)
	if err != nil {
		t.Fatal(err)
	}
	return policy(t, append([]string{
		"MRTD=" + q.MRTD.String(), "RTMR0=" + q.RTMR[0].String(), "RTMR1=" + q.RTMR[1].String(), "RTMR2=" + q.RTMR[2].String(),
		"LAUNCHER_IMAGE_DIGEST=sha256:5618a93a78c9ac9173e7ebf7c8af173bd675be6832a2f8c2a9a7149ac2678f54",
		"IMAGE_DIGEST=sha256:564a5aebc33495d5610626d23cb9e3da8e9d531d0edff9e38aa1ccaf059c15d3",
	}, more...)...)
}

func parse(t testing.TB, data []byte) *verify.Evidence {
	t.Helper()
	e, err := verify.ParseEvidence(data)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestNEARNode(t *testing.T) {
	e := parse(t, fixture(t, "near-public-data.json"))
	if e.Kind != verify.KindNEAR {
		t.Fatalf("kind is %s", e.Kind)
	}
	at := verify.Params{Root: intel(t), At: moment(t, "2026-08-20T00:00:00Z")}
	judge := func(p *verify.Policy) *verify.Report {
		at.Policy = p
		return verify.Judge(t.Context(), e, at)
	}
	// The second service runs the launcher's image and mounts Docker's volumes.
	want(t, judge(nearPolicy(t, e)), 4, map[string]verify.Outcome{"A": verify.Pass, "B": verify.Pass, "C": verify.Pass, "D": verify.NotAllowed, "E": verify.Pass})
	want(t, judge(nearPolicy(t, e, "ALLOW_COMPOSE=service:signer-key-export")), 0, map[string]verify.Outcome{"D": verify.Pass, "E": verify.Pass})
	want(t, judge(nil), 4, map[string]verify.Outcome{"A": verify.Pass, "B": verify.Undecided, "C": verify.Pass, "D": verify.NotAllowed, "E": verify.Undecided})
	other := "IMAGE_DIGEST=sha256:" + strings.Repeat("0", 64)
	want(t, judge(policy(t, other)), 4, map[string]verify.Outcome{"E": verify.NotAllowed})
	at.At = moment(t, "2026-10-20T00:00:00Z")
	want(t, judge(nearPolicy(t, e)), 3, map[string]verify.Outcome{"A": verify.Invalid})
	at.At = moment(t, "2026-08-01T00:00:00Z")
	want(t, judge(nearPolicy(t, e)), 3, map[string]verify.Outcome{"A": verify.Invalid})
}

func TestDstackQuoteReport(t *testing.T) {
	e := parse(t, fixture(t, "dstack-quote-report.json"))
	collateral, err := quote.ParseCollateral(fixture(t, "dstack-quote-report.collateral.json"))
	if err != nil {
		t.Fatal(err)
	}
	p := verify.Params{Root: intel(t), At: moment(t, "2026-02-20T00:00:00Z"), Collateral: collateral}
	want(t, verify.Judge(t.Context(), e, p), 1, map[string]verify.Outcome{"A": verify.Pass, "B": verify.Undecided, "C": verify.Pass, "D": verify.Undecided, "E": verify.Undecided})
	p.Policy = policy(t, "COMMIT_SHA="+strings.Repeat("1", 40))
	want(t, verify.Judge(t.Context(), e, p), 4, map[string]verify.Outcome{"E": verify.NotAllowed})
	p.Collateral = nil
	want(t, verify.Judge(t.Context(), e, p), 4, map[string]verify.Outcome{"A": verify.Undecided})
}

// mutations of a JSON-free copy of the evidence: every byte of everything that
// is attested is flipped, one at a time, and none may go unnoticed.
func TestEverySingleByte(t *testing.T) {
	data := fixture(t, "near-public-data.json")
	good := parse(t, data)
	p := verify.Params{Root: intel(t), At: moment(t, "2026-08-20T00:00:00Z"), Policy: nearPolicy(t, good, "ALLOW_COMPOSE=service:signer-key-export")}
	want(t, verify.Judge(t.Context(), good, p), 0, nil)
	c := good.Collateral
	step := 1
	if testing.Short() {
		step = 17
	}
	tried := 0
	flip := func(part string, b []byte, from, to int, judge func([]byte) *verify.Report) {
		t.Helper()
		for i := from; i < to; i += step {
			changed := []byte(string(b))
			changed[i] ^= 1 << (i % 8)
			tried++
			if r := judge(changed); r.ExitCode == 0 {
				t.Errorf("%s: byte %d can be changed", part, i)
			}
		}
	}
	with := func(change func(e *verify.Evidence)) *verify.Report {
		e := *good
		change(&e)
		return verify.Judge(t.Context(), &e, p)
	}
	// Header, report, signature, attestation key, QE report, its signature and
	// authentication data; the certificates after that are PEM, whose line breaks
	// are not attested.
	chain := strings.Index(string(good.Quote), "-----BEGIN")
	flip("quote", good.Quote, 0, chain, func(b []byte) *verify.Report {
		return with(func(e *verify.Evidence) { e.Quote = b })
	})
	flip("app-compose", good.AppCompose, 0, len(good.AppCompose), func(b []byte) *verify.Report {
		return with(func(e *verify.Evidence) { e.AppCompose = b })
	})
	for part, field := range map[string]func(c *quote.Collateral) *[]byte{
		"root CA CRL":           func(c *quote.Collateral) *[]byte { return (*[]byte)(&c.RootCACRL) },
		"PCK CRL":               func(c *quote.Collateral) *[]byte { return (*[]byte)(&c.PCKCRL) },
		"TCB info signature":    func(c *quote.Collateral) *[]byte { return (*[]byte)(&c.TCBInfoSignature) },
		"QE identity signature": func(c *quote.Collateral) *[]byte { return (*[]byte)(&c.QEIdentitySignature) },
	} {
		b := *field(c)
		flip(part, b, 0, len(b), func(b []byte) *verify.Report {
			return with(func(e *verify.Evidence) {
				other := *c
				*field(&other) = b
				e.Collateral = &other
			})
		})
	}
	for part, field := range map[string]func(c *quote.Collateral) *string{
		"TCB info":    func(c *quote.Collateral) *string { return &c.TCBInfo },
		"QE identity": func(c *quote.Collateral) *string { return &c.QEIdentity },
	} {
		b := []byte(*field(c))
		flip(part, b, 0, len(b), func(b []byte) *verify.Report {
			return with(func(e *verify.Evidence) {
				other := *c
				*field(&other) = string(b)
				e.Collateral = &other
			})
		})
	}
	for i, entry := range good.Log {
		if entry.IMR != 3 {
			continue
		}
		for part, field := range map[string]string{"name": entry.Event, "payload": entry.Payload, "digest": entry.Digest} {
			raw := []byte(field)
			if part != "name" {
				raw, _ = hex.DecodeString(field)
			}
			flip("event "+entry.Event+", "+part, raw, 0, len(raw), func(b []byte) *verify.Report {
				return with(func(e *verify.Evidence) {
					e.Log = append(e.Log[:0:0], e.Log...)
					switch part {
					case "name":
						e.Log[i].Event = string(b)
					case "payload":
						e.Log[i].Payload = hex.EncodeToString(b)
					default:
						e.Log[i].Digest = hex.EncodeToString(b)
					}
				})
			})
		}
	}
	t.Logf("%d mutations tried, %d could go unnoticed", tried, 0)
}

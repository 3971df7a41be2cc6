package quote_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"crypto/x509"

	"github.com/google/go-tdx-guest/testing/testdata"
	tdxverify "github.com/google/go-tdx-guest/verify"

	"gitlauncher/internal/sim/tdx"
	"gitlauncher/verify/quote"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// TestRealQuotes: quotes of version 4 and 5 that come with go-tdx-guest.
func TestRealQuotes(t *testing.T) {
	root, err := quote.IntelRoot()
	if err != nil || !root.Intel || root.Fingerprint() != "44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3" {
		t.Fatal(err, root)
	}
	for version, raw := range map[int][]byte{4: testdata.RawQuote, 5: testdata.RawQuoteV5} {
		q, err := quote.Parse(raw)
		if err != nil {
			t.Fatalf("version %d: %v", version, err)
		}
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		// We say the same of these bytes as the library does.
		theirs := tdxverify.RawTdxQuote(raw, &tdxverify.Options{Now: &tdxverify.TimeSet{PckCertChain: at}})
		ours := q.CheckSignatures(t.Context(), root, at)
		if q.Version != version || (ours == nil) != (theirs == nil) {
			t.Errorf("version %d reads as %d; we say %v, go-tdx-guest %v", version, q.Version, ours, theirs)
		}
		if err := q.CheckSignatures(t.Context(), root, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)); err == nil {
			t.Errorf("version %d is genuine in 2100", version)
		}
	}
}

// platform is one simulated machine, changed for a case.
type platform struct {
	tdx.Platform
	report   tdx.Report
	enclave  tdx.Enclave
	levels   [16]byte
	statuses tdx.Statuses
	quoted   func([]byte)
	grow     int                 // bytes to fill the quote up to
	text     func([]byte) []byte // changes the collateral that is judged
	served   func(*tdx.Collateral)
}

// verdicts returns ours and go-tdx-guest's on the same bytes.
func (p *platform) verdicts(t *testing.T) (ours, theirs error) {
	t.Helper()
	pki, err := tdx.NewPKI(p.Platform)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := pki.Quote(p.report, p.enclave)
	if err != nil {
		t.Fatal(err)
	}
	if p.quoted != nil {
		p.quoted(raw)
	}
	c, err := pki.Collateral(p.levels, p.enclave, p.statuses)
	if err != nil {
		t.Fatal(err)
	}
	if p.served != nil {
		p.served(c)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pki.RootPEM())
	theirs = tdxverify.RawTdxQuote(raw, &tdxverify.Options{
		CheckRevocations: true, GetCollateral: true, Getter: c, TrustedRoots: pool,
		Now: &tdxverify.TimeSet{PckCertChain: now, TcbInfo: now, QeIdentity: now, PckCrl: now, RootCaCrl: now},
	})
	data, _ := json.Marshal(c)
	raw = append(raw, make([]byte, max(p.grow-len(raw), 0))...)
	if p.text != nil {
		data = p.text(data)
	}
	ours = judge(t, raw, data, pki.RootPEM())
	return ours, theirs
}

func judge(t *testing.T, raw, collateral, pem []byte) error {
	root, err := quote.ParseRoot(pem)
	if err != nil {
		t.Fatal(err)
	}
	q, err := quote.Parse(raw)
	if err != nil {
		return err
	}
	if err := q.CheckSignatures(t.Context(), root, now); err != nil {
		return err
	}
	c, err := quote.ParseCollateral(collateral)
	if err != nil {
		return err
	}
	checked := c.Check(root, now)
	for _, part := range checked.Parts {
		if part.Err != nil {
			return fmt.Errorf("%s: %w", part.Name, part.Err)
		}
	}
	tcb, err := checked.Judge(q)
	if err != nil {
		return err
	}
	if tcb.Worst() != quote.UpToDate {
		return errors.New(string(tcb.Worst()))
	}
	return nil
}

// TestDifferential compares our verdict with go-tdx-guest's on the same collateral and
// quote. The table says where the two may differ, and why.
// SECURITY.md: E2.
func TestDifferential(t *testing.T) {
	old := tdx.Validity{From: now.Add(-3 * time.Hour), Until: now.Add(-2 * time.Hour)}
	young := tdx.Validity{From: now.Add(2 * time.Hour), Until: now.Add(3 * time.Hour)}
	type change = func(p *platform)
	cases := map[string]change{
		"good": func(*platform) {}, "version 5": func(p *platform) { p.report.Version = 5 },
		"module 1.0":                  func(p *platform) { p.report.TEETCBSVN, p.levels = [16]byte{3}, [16]byte{3} },
		"report changed":              func(p *platform) { p.quoted = func(q []byte) { q[600] ^= 1 } },
		"signature changed":           func(p *platform) { p.quoted = func(q []byte) { q[640] ^= 1 } },
		"attestation key changed":     func(p *platform) { p.quoted = func(q []byte) { q[710] ^= 1 } },
		"QE report changed":           func(p *platform) { p.quoted = func(q []byte) { q[800] ^= 1 } },
		"foreign module":              func(p *platform) { p.report.MRSignerSeam[0] = 1 },
		"below the platform's levels": func(p *platform) { p.levels[3] = 9 },
		"below the module's levels":   func(p *platform) { p.levels[0] = 9 },
		"module unknown":              func(p *platform) { p.levels[1] = 9 },
		"TCB info changed": func(p *platform) {
			p.served = func(c *tdx.Collateral) { c.TCBInfo = strings.Replace(c.TCBInfo, `"pcesvn":11`, `"pcesvn":10`, 1) }
		},
		"QE identity changed": func(p *platform) {
			p.served = func(c *tdx.Collateral) { c.QEIdentity = strings.Replace(c.QEIdentity, `"isvsvn":4`, `"isvsvn":3`, 1) }
		},
		"lists swapped": func(p *platform) {
			p.served = func(c *tdx.Collateral) { c.PCKCRL, c.RootCACRL = c.RootCACRL, c.PCKCRL }
		},
	}
	for _, serial := range []int64{tdx.SerialPCK, tdx.SerialPlatform, tdx.SerialSigning} {
		cases[fmt.Sprintf("serial %d revoked", serial)] = func(p *platform) { p.Revoked = []int64{serial} }
	}
	dated := []string{tdx.DatedRoot, tdx.DatedPlatform, tdx.DatedPCK, tdx.DatedSigning, tdx.DatedRootCRL, tdx.DatedPCKCRL, tdx.DatedTCBInfo, tdx.DatedQEIdentity}
	for _, what := range dated {
		cases[what+" expired"] = func(p *platform) { p.Odd = map[string]tdx.Validity{what: old} }
		cases[what+" not yet valid"] = func(p *platform) { p.Odd = map[string]tdx.Validity{what: young} }
	}
	for _, s := range quote.Statuses() {
		cases["QE "+string(s)] = func(p *platform) { p.statuses.QE = string(s) }
		cases["module "+string(s)] = func(p *platform) { p.statuses.Module = string(s) }
		cases["platform "+string(s)] = func(p *platform) { p.statuses.Platform = string(s) }
	}
	// go-tdx-guest takes these, which we refuse: it does not check the date from which
	// a list or statement is valid, nor the platform's status where the module has one.
	weaker := []string{tdx.DatedRootCRL + " not yet valid", tdx.DatedPCKCRL + " not yet valid", tdx.DatedTCBInfo + " not yet valid", tdx.DatedQEIdentity + " not yet valid"}
	for _, s := range quote.Statuses()[1:] {
		weaker = append(weaker, "platform "+string(s))
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			p := &platform{
				Platform: tdx.Platform{FMSPC: [6]byte{1}, PCESVN: 11, CPUSVN: [16]byte{2, 2}, Dates: tdx.Validity{From: now.Add(-time.Hour), Until: now.Add(time.Hour)}},
				enclave:  tdx.Enclave{ProdID: 2, SVN: 4}, levels: [16]byte{3, 1, 2}, statuses: tdx.Statuses{Platform: "UpToDate", Module: "UpToDate", QE: "UpToDate"},
			}
			p.report.TEETCBSVN = p.levels
			change(p)
			if p.report.TEETCBSVN[2] == 0 {
				p.levels[2] = 0
			}
			ours, theirs := p.verdicts(t)
			if slices.Contains(weaker, name) {
				if ours == nil || theirs != nil {
					t.Errorf("we say %v, go-tdx-guest %v; ours must be the stricter", ours, theirs)
				}
			} else if (ours == nil) != (theirs == nil) {
				t.Errorf("we say %v, go-tdx-guest %v", ours, theirs)
			}
		})
	}
}

// TestParseRefuses: each way of not being a quote is refused for its own reason.
func TestParseRefuses(t *testing.T) {
	good := testdata.RawQuote
	chain := bytes.Index(good, []byte("-----BEGIN"))
	blocks := bytes.SplitAfter(good[chain:], []byte("-----END CERTIFICATE-----\n"))
	first, second := blocks[0], blocks[1]
	for name, tc := range map[string]struct {
		raw  []byte
		says string
	}{
		"nothing":                 {nil, "quote: is empty"},
		"one byte":                {[]byte{4}, "quote: is empty"},
		"too large":               {make([]byte, quote.MaxSize+1), "quote: is larger than 64 KiB"},
		"another version":         {append([]byte{3, 0}, good[2:]...), "quote: quote format not supported"},
		"SGX":                     {slices.Concat(good[:4], []byte{0, 0, 0, 0}, good[8:]), "quote: parsing header failed: TEE type is not TDX"},
		"cut":                     {good[:1000], "quote: raw quote size is 0x3e8"},
		"negative length":         {slices.Concat(testdata.RawQuoteV5[:48+6+648], []byte{0xff, 0xff, 0xff, 0xff}, testdata.RawQuoteV5[48+6+648+4:]), "quote: its inner lengths contradict its size"},
		"no chain":                {slices.Concat(good[:chain], bytes.Repeat([]byte{' '}, len(good)-chain)), "quote: certificate chain: incomplete PCK Certificate chain"},
		"a chain of rubbish":      {bytes.Replace(good, []byte("MII"), []byte("AAA"), 1), "quote: certificate chain: could not interpret PCK leaf"},
		"a leaf that is no PCK's": {slices.Concat(good[:chain], second, bytes.Repeat([]byte{'\n'}, len(first)-len(second)), good[chain+len(first):]), "quote: PCK certificate: "},
	} {
		_, err := quote.Parse(tc.raw)
		wants(t, name, err, tc.says)
	}
	for _, data := range []string{"", "{}", "[]", `{"root_ca_crl":"zz"}`, strings.Repeat(" ", quote.MaxCollateral+1)} {
		if _, err := quote.ParseCollateral([]byte(data)); err == nil {
			t.Errorf("%.20q is taken as collateral", data)
		}
	}
	for _, data := range []string{"", "x", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"} {
		if _, err := quote.ParseRoot([]byte(data)); err == nil {
			t.Errorf("%q is taken as a root", data)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(testdata.RawQuote)
	f.Add(testdata.RawQuoteV5)
	root, err := quote.IntelRoot()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		q, err := quote.Parse(raw)
		if err != nil {
			return
		}
		if q.CheckSignatures(t.Context(), root, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) == nil {
			for _, known := range [][]byte{testdata.RawQuote, testdata.RawQuoteV5} {
				if len(raw) >= 632 && bytes.Equal(raw[:632], known[:632]) {
					return
				}
			}
			t.Fatal("a quote that Intel never signed is genuine")
		}
	})
}

func FuzzParseCollateral(f *testing.F) {
	root, err := quote.IntelRoot()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := quote.ParseCollateral(data)
		if err != nil {
			return
		}
		c.Check(root, time.Date(2026, 8, 20, 0, 0, 0, 0, time.UTC)) // whatever it says, it ends
	})
}

package quote_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"gitlauncher/internal/sim/tdx"
	"gitlauncher/verify/quote"
)

// machine is a platform whose every number can be raised and lowered by one.
func machine() *platform {
	p := &platform{
		Platform: tdx.Platform{FMSPC: [6]byte{1}, PCEID: [2]byte{2}, PCESVN: 11, Dates: tdx.Validity{From: now.Add(-time.Hour), Until: now.Add(time.Hour)}},
		enclave:  tdx.Enclave{MRSigner: [32]byte{7}, ProdID: 2, SVN: 4}, statuses: tdx.Statuses{Platform: "UpToDate", Module: "UpToDate", QE: "UpToDate"},
	}
	for i := range 16 {
		p.CPUSVN[i], p.levels[i] = 5, 5
	}
	p.levels[1] = 1
	p.report.TEETCBSVN = p.levels
	return p
}

// resigned judges a machine by collateral whose signed statements were changed and
// signed again, as only Intel could.
func (p *platform) resigned(t *testing.T, changeTCB, changeQE func(map[string]any)) error {
	t.Helper()
	pki, err := tdx.NewPKI(p.Platform)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := pki.Quote(p.report, p.enclave)
	if err != nil {
		t.Fatal(err)
	}
	c, err := pki.Collateral(p.levels, p.enclave, p.statuses)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []struct {
		body   *string
		change func(map[string]any)
	}{{&c.TCBInfo, changeTCB}, {&c.QEIdentity, changeQE}} {
		if part.change == nil {
			continue
		}
		var m map[string]any
		if err := json.Unmarshal([]byte(*part.body), &m); err != nil {
			t.Fatal(err)
		}
		part.change(m)
		data, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		*part.body = string(data)
	}
	if err := pki.Resign(c); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return judge(t, raw, data, pki.RootPEM())
}

// wants fails unless err contains what it must say, or is nil where that is empty.
func wants(t *testing.T, name string, err error, says string) {
	t.Helper()
	switch {
	case says == "" && err != nil:
		t.Errorf("%s: %v", name, err)
	case says != "" && (err == nil || !strings.Contains(err.Error(), says)):
		t.Errorf("%s: %v; that is not %q", name, err, says)
	}
}

// level returns the one TCB level of a statement or an identity.
func level(of any) map[string]any {
	return of.(map[string]any)["tcbLevels"].([]any)[0].(map[string]any)["tcb"].(map[string]any)
}

func moduleOf(m map[string]any) map[string]any {
	return m["tdxModuleIdentities"].([]any)[0].(map[string]any)
}

// TestTCBInfoRows: TCB info that Intel signed and that is not this machine's, or lists
// levels above it, is refused for its own reason, also where it misses by one.
func TestTCBInfoRows(t *testing.T) {
	const kind, family, below = "TCB info: is not TDX TCB info of version 3 and type 0", "TCB info is for processor family", "the platform is below every TCB level"
	const moduleBelow = "the TDX module is below every TCB level"
	component := func(list string, i int, svn int) func(map[string]any) {
		return func(m map[string]any) { level(m)[list].([]any)[i] = map[string]any{"svn": svn} }
	}
	for _, c := range []struct {
		name   string
		change func(map[string]any)
		says   string
	}{
		{"unchanged", func(map[string]any) {}, ""},
		{"another id", func(m map[string]any) { m["id"] = "SGX" }, kind},
		{"version 2", func(m map[string]any) { m["version"] = 2 }, kind},
		{"version 4", func(m map[string]any) { m["version"] = 4 }, kind},
		{"type 1", func(m map[string]any) { m["tcbType"] = 1 }, kind},
		{"another family", func(m map[string]any) { m["fmspc"] = "020000000000" }, family},
		{"another PCE", func(m map[string]any) { m["pceId"] = "0300" }, family},
		{"letters in the other case", func(m map[string]any) { m["fmspc"] = strings.ToUpper(m["fmspc"].(string)) }, ""},
		{"a PCE above", func(m map[string]any) { level(m)["pcesvn"] = 12 }, below},
		{"a PCE below", func(m map[string]any) { level(m)["pcesvn"] = 10 }, ""},
		{"first SGX component above", component("sgxtcbcomponents", 0, 6), below},
		{"last SGX component above", component("sgxtcbcomponents", 15, 6), below},
		{"last SGX component below", component("sgxtcbcomponents", 15, 4), ""},
		{"third TDX component above", component("tdxtcbcomponents", 2, 6), below},
		{"last TDX component above", component("tdxtcbcomponents", 15, 6), below},
		{"module components above, which its identity judges", component("tdxtcbcomponents", 0, 6), ""},
		{"fifteen components", func(m map[string]any) { level(m)["sgxtcbcomponents"] = level(m)["sgxtcbcomponents"].([]any)[:15] }, below},
		{"no components", func(m map[string]any) { delete(level(m), "tdxtcbcomponents") }, below},
		{"no levels", func(m map[string]any) { m["tcbLevels"] = []any{} }, below},
		{"no module", func(m map[string]any) { m["tdxModuleIdentities"] = []any{} }, "TCB info knows no module TDX_01"},
		{"another module", func(m map[string]any) { moduleOf(m)["id"] = "TDX_02" }, "TCB info knows no module TDX_01"},
		{"another signer's module", func(m map[string]any) { moduleOf(m)["mrsigner"] = "01" + strings.Repeat("00", 47) }, "MRSIGNERSEAM is not that of Intel's TDX module"},
		{"other SEAMATTRIBUTES", func(m map[string]any) { moduleOf(m)["attributes"] = "0100000000000000" }, "SEAMATTRIBUTES are not those of Intel's TDX module"},
		{"a short mask", func(m map[string]any) { moduleOf(m)["attributesMask"] = "ff" }, "SEAMATTRIBUTES are not those of Intel's TDX module"},
		{"a module above", func(m map[string]any) { level(moduleOf(m))["isvsvn"] = 6 }, moduleBelow},
		{"a module below", func(m map[string]any) { level(moduleOf(m))["isvsvn"] = 4 }, ""},
		{"a module without levels", func(m map[string]any) { moduleOf(m)["tcbLevels"] = []any{} }, moduleBelow},
	} {
		wants(t, c.name, machine().resigned(t, c.change, nil), c.says)
	}
}

// TestModuleWithoutIdentity: a module of version 1.0 is judged with the platform's
// components, and must be Intel's all the same.
func TestModuleWithoutIdentity(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(map[string]any)
		says   string
	}{
		{"unchanged", func(map[string]any) {}, ""},
		{"component above", func(m map[string]any) { level(m)["tdxtcbcomponents"].([]any)[0] = map[string]any{"svn": 6} }, "the platform is below every TCB level"},
		{"another signer", func(m map[string]any) { m["tdxModule"].(map[string]any)["mrsigner"] = "01" + strings.Repeat("00", 47) }, "MRSIGNERSEAM"},
		{"other attributes", func(m map[string]any) { m["tdxModule"].(map[string]any)["attributes"] = "0100000000000000" }, "SEAMATTRIBUTES"},
	} {
		p := machine()
		p.levels[1] = 0
		p.report.TEETCBSVN = p.levels
		wants(t, c.name, p.resigned(t, c.change, nil), c.says)
	}
}

// TestQEIdentityRows does the same for the quoting enclave's identity.
func TestQEIdentityRows(t *testing.T) {
	const kind, signer, attributes, below = "QE identity: is not a TD_QE identity of version 2", "another signer or product", "the quoting enclave has other attributes", "the quoting enclave is below every TCB level"
	for _, c := range []struct {
		name   string
		change func(map[string]any)
		says   string
	}{
		{"unchanged", func(map[string]any) {}, ""},
		{"another id", func(m map[string]any) { m["id"] = "QE" }, kind},
		{"version 1", func(m map[string]any) { m["version"] = 1 }, kind},
		{"version 3", func(m map[string]any) { m["version"] = 3 }, kind},
		{"another signer", func(m map[string]any) { m["mrsigner"] = strings.Repeat("00", 32) }, signer},
		{"another product", func(m map[string]any) { m["isvprodid"] = 1 }, signer},
		{"other MISCSELECT", func(m map[string]any) { m["miscselect"] = "01000000" }, attributes},
		{"a short MISCSELECT", func(m map[string]any) { m["miscselect"] = "00" }, attributes},
		{"other attributes", func(m map[string]any) { m["attributes"] = "01" + strings.Repeat("00", 15) }, attributes},
		{"other attributes, masked", func(m map[string]any) { m["attributesMask"] = "fe" + strings.Repeat("ff", 15) }, ""},
		{"an enclave above", func(m map[string]any) { level(m)["isvsvn"] = 5 }, below},
		{"an enclave below", func(m map[string]any) { level(m)["isvsvn"] = 3 }, ""},
		{"no levels", func(m map[string]any) { m["tcbLevels"] = []any{} }, below},
	} {
		wants(t, c.name, machine().resigned(t, nil, c.change), c.says)
	}
}

// TestRevocationOfTheQuotesOwn: the intermediate CA may have several certificates. The
// one in the quote is looked up in the root's list, too, and the CA's list counts only
// if that certificate's key signed it.
func TestRevocationOfTheQuotesOwn(t *testing.T) {
	const sibling = 9
	for _, c := range []struct {
		name    string
		revoked []int64
		sameKey bool
		says    string
	}{
		{"another certificate of the CA", nil, true, ""},
		{"which is revoked", []int64{sibling}, true, "certificate Intel SGX PCK Platform CA is revoked"},
		{"whose PCK certificate is revoked", []int64{tdx.SerialPCK}, true, "certificate Intel SGX PCK Certificate is revoked"},
		{"with another key", nil, false, "PCK CRL is not of the PCK certificate's issuer"},
	} {
		p := machine()
		p.Revoked = c.revoked
		pki, err := tdx.NewPKI(p.Platform)
		if err != nil {
			t.Fatal(err)
		}
		other, err := pki.Sibling(sibling, c.sameKey)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := other.Quote(p.report, p.enclave)
		if err != nil {
			t.Fatal(err)
		}
		served, err := pki.Collateral(p.levels, p.enclave, p.statuses)
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(served)
		if err != nil {
			t.Fatal(err)
		}
		wants(t, c.name, judge(t, raw, data, pki.RootPEM()), c.says)
	}
}

// TestIssuers: each statement must be of the issuer that Intel uses for it, under this
// root.
func TestIssuers(t *testing.T) {
	other, err := tdx.NewPKI(machine().Platform)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Collateral(machine().levels, machine().enclave, machine().statuses)
	if err != nil {
		t.Fatal(err)
	}
	const unknown = "x509: certificate signed by unknown authority"
	for _, c := range []struct {
		name   string
		change func(c *tdx.Collateral)
		says   string
	}{
		{"TCB info by the PCK CA", func(c *tdx.Collateral) { c.TCBInfoIssuerChain = c.PCKCRLIssuerChain }, `TCB info: issuer is "Intel SGX PCK Platform CA", not "Intel SGX TCB Signing"`},
		{"QE identity by the PCK CA", func(c *tdx.Collateral) { c.QEIdentityIssuerChain = c.PCKCRLIssuerChain }, `QE identity: issuer is "Intel SGX PCK Platform CA", not "Intel SGX TCB Signing"`},
		{"PCK CRL by the TCB signer", func(c *tdx.Collateral) { c.PCKCRLIssuerChain = c.TCBInfoIssuerChain }, `PCK CRL: issuer is "Intel SGX TCB Signing", not "Intel SGX PCK Platform CA"`},
		{"TCB info of another root", func(c *tdx.Collateral) {
			c.TCBInfo, c.TCBInfoSignature, c.TCBInfoIssuerChain = foreign.TCBInfo, foreign.TCBInfoSignature, foreign.TCBInfoIssuerChain
		}, "TCB info: issuer Intel SGX TCB Signing: " + unknown},
		{"QE identity of another root", func(c *tdx.Collateral) {
			c.QEIdentity, c.QEIdentitySignature, c.QEIdentityIssuerChain = foreign.QEIdentity, foreign.QEIdentitySignature, foreign.QEIdentityIssuerChain
		}, "QE identity: issuer Intel SGX TCB Signing: " + unknown},
		{"PCK CRL of another root", func(c *tdx.Collateral) { c.PCKCRL, c.PCKCRLIssuerChain = foreign.PCKCRL, foreign.PCKCRLIssuerChain }, "PCK CRL: issuer Intel SGX PCK Platform CA: " + unknown},
		{"PCK CRL of another CA of that name", func(c *tdx.Collateral) { c.PCKCRL = foreign.PCKCRL }, "PCK CRL: x509: ECDSA verification failure"},
		{"root CA CRL of another root of that name", func(c *tdx.Collateral) { c.RootCACRL = foreign.RootCACRL }, "root CA CRL: x509: ECDSA verification failure"},
		{"a chain that is no PEM", func(c *tdx.Collateral) { c.TCBInfoIssuerChain = "x" }, "TCB info: issuer chain: is not PEM"},
		{"a chain of a key", func(c *tdx.Collateral) {
			c.TCBInfoIssuerChain = strings.ReplaceAll(c.TCBInfoIssuerChain, " CERTIFICATE-", " PUBLIC KEY-")
		}, "TCB info: issuer chain: is not PEM"},
		{"a chain of nothing", func(c *tdx.Collateral) {
			c.TCBInfoIssuerChain = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
		}, "TCB info: issuer chain: "},
		{"lists swapped", func(c *tdx.Collateral) { c.PCKCRL, c.RootCACRL = c.RootCACRL, c.PCKCRL }, "root CA CRL: is of another issuer than Intel SGX Root CA"},
		{"a root list that is none", func(c *tdx.Collateral) { c.RootCACRL = "3000" }, "root CA CRL: x509: "},
		{"a list of the CA that is none", func(c *tdx.Collateral) { c.PCKCRL = "3000" }, "PCK CRL: x509: "},
		{"a short signature", func(c *tdx.Collateral) { c.TCBInfoSignature = c.TCBInfoSignature[:126] }, "TCB info: signature is not ECDSA's r || s of 64 bytes"},
		{"a long signature", func(c *tdx.Collateral) { c.TCBInfoSignature = "00" + c.TCBInfoSignature }, "TCB info: signature is not ECDSA's r || s of 64 bytes"},
		{"another signature", func(c *tdx.Collateral) { c.TCBInfoSignature = c.QEIdentitySignature }, "TCB info: signature is not over these bytes"},
		{"no list", func(c *tdx.Collateral) { c.RootCACRL = "" }, "collateral: lacks root_ca_crl"},
		{"no list of the CA", func(c *tdx.Collateral) { c.PCKCRL = "" }, "collateral: lacks pck_crl"},
		{"no TCB info", func(c *tdx.Collateral) { c.TCBInfo = "" }, "collateral: lacks tcb_info"},
		{"no QE identity", func(c *tdx.Collateral) { c.QEIdentity = "" }, "collateral: lacks qe_identity"},
	} {
		p := machine()
		p.served = c.change
		ours, _ := p.verdicts(t)
		wants(t, c.name, ours, c.says)
	}
}

// TestDates: what is not valid yet, or no longer, is a *DateError, which tells a caller
// that a newer file may help.
func TestDates(t *testing.T) {
	for _, what := range []string{tdx.DatedPlatform, tdx.DatedPCK, tdx.DatedSigning, tdx.DatedRootCRL, tdx.DatedPCKCRL, tdx.DatedTCBInfo, tdx.DatedQEIdentity} {
		for _, by := range []time.Duration{time.Second, time.Hour} {
			for name, v := range map[string]tdx.Validity{
				"old":   {From: now.Add(-2 * time.Hour), Until: now.Add(-by)},
				"young": {From: now.Add(by), Until: now.Add(2 * time.Hour)},
			} {
				p := machine()
				p.Odd = map[string]tdx.Validity{what: v}
				ours, _ := p.verdicts(t)
				var date *quote.DateError
				if !errors.As(ours, &date) || !date.From.Equal(v.From) || !date.Until.Equal(v.Until) {
					t.Errorf("%s, %s by %v: %v", what, name, by, ours)
				}
				wants(t, what+", "+name, ours, map[string]string{"old": "expired on ", "young": "is not valid before "}[name])
			}
		}
		p := machine()
		p.Odd = map[string]tdx.Validity{what: {From: now, Until: now}}
		ours, _ := p.verdicts(t)
		wants(t, what+", just now", ours, "")
	}
}

// TestSizes: the largest quote and collateral are read, and those of a byte more are
// not.
func TestSizes(t *testing.T) {
	for _, c := range []struct {
		size int
		says string
	}{{64 << 10, ""}, {64<<10 + 1, "is larger than 64 KiB"}} {
		p := machine()
		p.grow = c.size
		ours, _ := p.verdicts(t)
		wants(t, "quote", ours, c.says)
	}
	for _, c := range []struct {
		size int
		says string
	}{{1 << 20, ""}, {1<<20 + 1, "is larger than 1 MiB"}} {
		p := machine()
		p.text = func(data []byte) []byte { return append(data, bytes.Repeat([]byte{' '}, c.size-len(data))...) }
		ours, _ := p.verdicts(t)
		wants(t, "collateral", ours, c.says)
	}
}

// TestOneReading: collateral that two readers could read differently is refused, even
// if each of its parts is good.
func TestOneReading(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"a key twice":     func(data []byte) []byte { return append([]byte(`{"tcb_info":"x",`), data[1:]...) },
		"a second value":  func(data []byte) []byte { return append(data, "{}"...) },
		"its end missing": func(data []byte) []byte { return data[:len(data)-1] },
	} {
		p := machine()
		p.text = change
		ours, _ := p.verdicts(t)
		wants(t, name, ours, "collateral: ")
		if ours != nil && strings.Contains(ours.Error(), "lacks") {
			t.Errorf("%s is taken for collateral without a part: %v", name, ours)
		}
	}
}

// TestNotGood: collateral with a part that is not good judges nothing.
func TestNotGood(t *testing.T) {
	p := machine()
	pki, err := tdx.NewPKI(p.Platform)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := pki.Quote(p.report, p.enclave)
	if err != nil {
		t.Fatal(err)
	}
	q, err := quote.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	served, err := pki.Collateral(p.levels, p.enclave, p.statuses)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(served)
	if err != nil {
		t.Fatal(err)
	}
	c, err := quote.ParseCollateral(data)
	if err != nil {
		t.Fatal(err)
	}
	root, err := quote.ParseRoot(pki.RootPEM())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Check(root, now).Judge(q); err != nil {
		t.Error(err)
	}
	late := c.Check(root, now.Add(2*time.Hour))
	_, err = late.Judge(q)
	wants(t, "expired collateral", err, "the collateral is not good")
	if late.Good() {
		t.Error("expired collateral is good")
	}
}

// TestAttributes: each bit of the TD's attributes has its own name, and no other bit is
// taken for it.
func TestAttributes(t *testing.T) {
	for bit := range 64 {
		p := machine()
		p.report.TDAttributes[bit/8] = 1 << (bit % 8)
		pki, err := tdx.NewPKI(p.Platform)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := pki.Quote(p.report, p.enclave)
		if err != nil {
			t.Fatal(err)
		}
		q, err := quote.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		unusual := "reserved bits"
		switch {
		case bit <= 7 || bit == 28 || bit == 29:
			unusual = ""
		case bit == 30:
			unusual = "PKS"
		case bit == 31:
			unusual = "KL"
		case bit == 63:
			unusual = "PERFMON"
		}
		if td, qe := q.Debug(); td != (bit <= 7) || qe {
			t.Errorf("bit %d: debug TD %v, debug enclave %v", bit, td, qe)
		}
		if q.SEPTVEDisable() != (bit == 28) || q.Migratable() != (bit == 29) || strings.Join(q.Unusual(), " ") != unusual {
			t.Errorf("bit %d: SEPT_VE_DISABLE %v, migratable %v, unusual %q", bit, q.SEPTVEDisable(), q.Migratable(), q.Unusual())
		}
	}
	for bit := range 8 {
		p := machine()
		p.enclave.Attributes[0] = 1 << bit
		pki, err := tdx.NewPKI(p.Platform)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := pki.Quote(p.report, p.enclave)
		if err != nil {
			t.Fatal(err)
		}
		q, err := quote.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if td, qe := q.Debug(); td || qe != (bit == 1) {
			t.Errorf("bit %d of the enclave: debug TD %v, debug enclave %v", bit, td, qe)
		}
	}
}

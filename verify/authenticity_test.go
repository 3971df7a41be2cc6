package verify_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/sha3"

	"gitlauncher/internal/sim/tdx"
	"gitlauncher/policy"
	"gitlauncher/verify"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
)

// TestQuote: what makes a quote no proof (check A), and registers of another system (B).
// SECURITY.md: E2, E3, E11.
func TestQuote(t *testing.T) {
	const a, b = "A", "B"
	for name, tc := range map[string]struct {
		change      func(v *vm)
		code        int
		check, find string
		o           report.Outcome
	}{
		"another root":            {func(v *vm) { v.foreign = true }, 3, a, "signatures", report.Invalid},
		"none":                    {func(v *vm) { v.quoted = func([]byte) []byte { return make([]byte, 1) } }, 3, a, "quote", report.Invalid},
		"too long":                {func(v *vm) { v.quoted = func(q []byte) []byte { return append(q, make([]byte, quote.MaxSize)...) } }, 3, a, "quote", report.Invalid},
		"cut short":               {func(v *vm) { v.quoted = func(q []byte) []byte { return q[:700] } }, 3, a, "quote", report.Invalid},
		"bytes behind":            {func(v *vm) { v.quoted = func(q []byte) []byte { return append(q, 0, 7) } }, 0, "", "", ""},
		"debug TD":                {func(v *vm) { v.report.TDAttributes[0] = 1 }, 3, a, "debug mode", report.Invalid},
		"under debug, bit 3":      {func(v *vm) { v.report.TDAttributes[0] = 8 }, 3, a, "debug mode", report.Invalid},
		"migratable":              {func(v *vm) { v.report.TDAttributes[3] |= 0x20 }, 3, a, "migration", report.Invalid},
		"SEPT_VE_DISABLE not set": {func(v *vm) { v.report.TDAttributes[3] = 0 }, 4, a, "SEPT_VE_DISABLE", report.NotAllowed},
		"PKS":                     {func(v *vm) { v.report.TDAttributes[3] |= 0x40 }, 4, a, "TD attributes", report.NotAllowed},
		"key locker":              {func(v *vm) { v.report.TDAttributes[3] |= 0x80 }, 4, a, "TD attributes", report.NotAllowed},
		"performance counters":    {func(v *vm) { v.report.TDAttributes[7] = 0x80 }, 4, a, "TD attributes", report.NotAllowed},
		"reserved, bit 8":         {func(v *vm) { v.report.TDAttributes[1] = 1 }, 4, a, "TD attributes", report.NotAllowed},
		"reserved, bit 27":        {func(v *vm) { v.report.TDAttributes[3] |= 0x08 }, 4, a, "TD attributes", report.NotAllowed},
		"reserved, bit 32":        {func(v *vm) { v.report.TDAttributes[4] = 1 }, 4, a, "TD attributes", report.NotAllowed},
		"v5 without SEPT_VE":      {func(v *vm) { v.report.Version, v.report.TDAttributes[3] = 5, 0 }, 4, a, "SEPT_VE_DISABLE", report.NotAllowed},
		"an owner":                {func(v *vm) { v.report.MROwner[0] = 1 }, 4, a, "MROWNER", report.NotAllowed},
		"an owner's config":       {func(v *vm) { v.report.MROwnerConfig[47] = 1 }, 4, a, "MROWNERCONFIG", report.NotAllowed},
		"the owner":               {func(v *vm) { v.report.MROwner[0], v.policy = 1, []string{"MROWNER=01" + strings.Repeat("0", 94)} }, 0, a, "MROWNER", report.Pass},
		"no owner":                {func(v *vm) { v.policy = []string{"MROWNER=01" + strings.Repeat("0", 94)} }, 4, a, "MROWNER", report.NotAllowed},
		"the owner's config": {func(v *vm) {
			v.report.MROwnerConfig[0], v.policy = 1, []string{"MROWNERCONFIG=01" + strings.Repeat("0", 94)}
		}, 0, a, "MROWNERCONFIG", report.Pass},
		"XFAM":               {func(v *vm) { v.policy = []string{"XFAM=e702060000000000"} }, 0, a, "XFAM", report.Pass},
		"another XFAM":       {func(v *vm) { v.report.XFAM[0], v.policy = 3, []string{"XFAM=e702060000000000"} }, 4, a, "XFAM", report.NotAllowed},
		"XFAM shown":         {func(v *vm) {}, 0, a, "XFAM", report.Note},
		"an old evaluation":  {func(v *vm) { v.policy = []string{"TCB_EVALUATION=18"} }, 4, a, "TCB evaluation", report.NotAllowed},
		"the evaluation":     {func(v *vm) { v.policy = []string{"TCB_EVALUATION=17"} }, 0, a, "TCB evaluation", report.Pass},
		"a later evaluation": {func(v *vm) { v.policy = []string{"TCB_EVALUATION=16"} }, 0, a, "TCB evaluation", report.Pass},
		"debug QE":           {func(v *vm) { v.enclave.Attributes[0] = 2 }, 3, a, "debug mode", report.Invalid},
		"foreign module":     {func(v *vm) { v.report.MRSignerSeam[0] = 1 }, 3, a, "MRSIGNERSEAM", report.Invalid},
		"service TD":         {func(v *vm) { v.report.Version, v.report.MRServiceTD[0] = 5, 1 }, 3, a, "MRSERVICETD", report.Invalid},
		"v5 debug TD":        {func(v *vm) { v.report.Version, v.report.TDAttributes[0] = 5, 1 }, 3, a, "debug mode", report.Invalid},
		"another MRTD":       {func(v *vm) { v.report.MRTD[7] = 1 }, 4, b, "MRTD", report.NotAllowed},
		"another RTMR0":      {func(v *vm) { v.report.RTMR[0][7] = 1 }, 4, b, "RTMR0", report.NotAllowed},
		"another RTMR1":      {func(v *vm) { v.report.RTMR[1][7] = 1 }, 4, b, "RTMR1", report.NotAllowed},
		"another RTMR2":      {func(v *vm) { v.report.RTMR[2][7] = 1 }, 4, b, "RTMR2", report.NotAllowed},
		"MRTD unexpected":    {func(v *vm) { v.without = []string{"MRTD"} }, 1, b, "MRTD", report.Undecided},
		"other system, nothing expected": {func(v *vm) {
			v.report.MRTD[7], v.without = 1, []string{"MRTD", "RTMR0", "RTMR1", "RTMR2"}
		}, 1, b, "MRTD", report.Undecided},
		"MRCONFIGID of another compose":            {func(v *vm) { v.report.MRConfigID = [48]byte{1, 2, 3} }, 3, b, "MRCONFIGID", report.Invalid},
		"MRCONFIGID v2 of another compose":         {func(v *vm) { v.report.MRConfigID = [48]byte{2, 2, 3} }, 3, b, "MRCONFIGID", report.Invalid},
		"MRCONFIGID v2 of an unknown key provider": {func(v *vm) { v.app["key_provider"] = "new"; v.report.MRConfigID = [48]byte{2, 2, 3} }, 1, b, "MRCONFIGID", report.Undecided},
		"MRCONFIGID v3 of another compose":         {func(v *vm) { v.report.MRConfigID = [48]byte{3, 2, 3} }, 3, b, "MRCONFIGID", report.Invalid},
		"MRCONFIGID v3": {func(v *vm) {
			v.configIDv3(`{"app_id":"APP","compose_hash":"COMPOSE","instance_id":"05","key_provider":"none","version":3}`)
		}, 0, b, "MRCONFIGID", report.Pass},
		"MRCONFIGID v3, least": {func(v *vm) { v.configIDv3(`{"compose_hash":"COMPOSE","key_provider":"none","version":3}`) }, 0, b, "MRCONFIGID", report.Pass},
		"MRCONFIGID v3, no scripts": {func(v *vm) {
			v.configIDv3(`{"compose_hash":"COMPOSE","init_script_hashes":[],"key_provider":"none","version":3}`)
		}, 0, b, "MRCONFIGID", report.Pass},
		"MRCONFIGID v3 of another provider": {func(v *vm) { v.configIDv3(`{"compose_hash":"COMPOSE","key_provider":"kms","version":3}`) }, 3, b, "MRCONFIGID", report.Invalid},
		"MRCONFIGID v3 of another application": {func(v *vm) {
			v.configIDv3(`{"app_id":"00","compose_hash":"COMPOSE","key_provider":"none","version":3}`)
		}, 3, b, "MRCONFIGID", report.Invalid},
		"MRCONFIGID v3 of a script": {func(v *vm) {
			v.configIDv3(`{"compose_hash":"COMPOSE","init_script_hashes":["00"],"key_provider":"none","version":3}`)
		}, 3, b, "MRCONFIGID", report.Invalid},
		"MRCONFIGID v3, not canonical": {func(v *vm) { v.configIDv3(`{"compose_hash":"COMPOSE", "key_provider":"none","version":3}`) }, 3, b, "MRCONFIGID", report.Invalid},
		"MRCONFIGID of form 9":         {func(v *vm) { v.report.MRConfigID = [48]byte{9} }, 1, b, "MRCONFIGID", report.Undecided},
		"platform below every level":   {func(v *vm) { v.levels[2] = 9 }, 3, a, "platform", report.Invalid},
		"module below every level":     {func(v *vm) { v.levels[0] = 9 }, 3, a, "platform", report.Invalid},
		"module unknown":               {func(v *vm) { v.levels[1] = 9 }, 3, a, "platform", report.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			tc.change(v)
			outcome(t, v.judge(t), tc.code, tc.check, tc.find, tc.o)
		})
	}
}

// configIDv3 puts a MRCONFIGID of form 3 into the report: of a document in which APP and
// COMPOSE stand for those of newVM.
func (v *vm) configIDv3(document string) {
	hash := digestOf(v.measured())
	document = strings.NewReplacer("APP", hash[:40], "COMPOSE", hash).Replace(document)
	sum := sha256.Sum256([]byte("dstack-mr-config-v3:\x00" + document))
	v.report.MRConfigID[0] = 3
	copy(v.report.MRConfigID[1:], sum[:])
}

// configID puts a MRCONFIGID of form 1 or 2 into the report, computed here by
// hand for the compose hash of newVM.
func (v *vm) configID(form byte) {
	sum, _ := hex.DecodeString(digestOf(v.measured()))
	v.report.MRConfigID[0] = form
	if form == 2 {
		h := sha3.NewLegacyKeccak256() // compose hash, app id, kind "none", no id
		h.Write(sum)
		h.Write(append(sum[:20:20], 0))
		sum = h.Sum(nil)
	}
	copy(v.report.MRConfigID[1:], sum)
}

// TestDatesAndRevocation: each certificate and list, too old, too new and revoked, is
// refused by its name.
// SECURITY.md: E2.
func TestDatesAndRevocation(t *testing.T) {
	old := tdx.Validity{From: now.Add(-3 * time.Hour), Until: now.Add(-2 * time.Hour)}
	young := tdx.Validity{From: now.Add(2 * time.Hour), Until: now.Add(3 * time.Hour)}
	for what, find := range map[string]string{
		tdx.DatedRoot: "signatures", tdx.DatedPlatform: "signatures", tdx.DatedPCK: "signatures", tdx.DatedSigning: "TCB info",
		tdx.DatedRootCRL: "root CA CRL", tdx.DatedPCKCRL: "PCK CRL", tdx.DatedTCBInfo: "TCB info", tdx.DatedQEIdentity: "QE identity",
	} {
		for why, dates := range map[string]tdx.Validity{"expired on": old, "is not valid before": young} {
			v := newVM()
			v.platform.Odd = map[string]tdx.Validity{what: dates}
			because(t, what+" "+why, v.judge(t), find, why)
		}
	}
	for serial, want := range map[int64][2]string{
		tdx.SerialPCK: {"platform", "Intel SGX PCK Certificate is revoked"}, tdx.SerialSigning: {"TCB info", "Intel SGX TCB Signing is revoked"},
		tdx.SerialPlatform: {"PCK CRL", "Intel SGX PCK Platform CA is revoked"},
	} {
		v := newVM()
		v.platform.Revoked = []int64{99, serial}
		because(t, want[1], v.judge(t), want[0], want[1])
	}
	v := newVM()
	v.platform.Revoked = []int64{99}
	want(t, v.judge(t), 0, nil)
}

// because requires that A finds something invalid, and says why.
func because(t *testing.T, name string, r *report.Report, find, why string) {
	t.Helper()
	for _, f := range r.Findings {
		if f.Check == "A" && f.Name == find && f.Outcome == report.Invalid && strings.Contains(f.Why, why) && r.ExitCode == 3 {
			return
		}
	}
	t.Errorf("%s: exit code %d; %s is not invalid because %q", name, r.ExitCode, find, why)
	for _, f := range r.Findings {
		if f.Check == "A" && f.Outcome == report.Invalid {
			t.Logf("%s: %s", f.Name, f.Why)
		}
	}
}

// TestCollateral: pieces in each other's place, of another platform, or missing, each
// refused for its own reason.
// SECURITY.md: E2.
func TestCollateral(t *testing.T) {
	other, err := tdx.NewPKI(newVM().platform)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Collateral([16]byte{3, 1}, newVM().enclave, tdx.Statuses{Platform: "UpToDate", Module: "UpToDate", QE: "UpToDate"})
	if err != nil {
		t.Fatal(err)
	}
	const authority, bytes = "x509: certificate signed by unknown authority", "signature is not over these bytes"
	for name, tc := range map[string]struct {
		change    func(c *tdx.Collateral, p *tdx.PKI)
		find, why string
	}{
		"TCB info of another root": {func(c *tdx.Collateral, _ *tdx.PKI) {
			c.TCBInfo, c.TCBInfoSignature, c.TCBInfoIssuerChain = foreign.TCBInfo, foreign.TCBInfoSignature, foreign.TCBInfoIssuerChain
		}, "TCB info", authority},
		"QE identity of another root": {func(c *tdx.Collateral, _ *tdx.PKI) {
			c.QEIdentity, c.QEIdentitySignature, c.QEIdentityIssuerChain = foreign.QEIdentity, foreign.QEIdentitySignature, foreign.QEIdentityIssuerChain
		}, "QE identity", authority},
		"root CRL of another root": {func(c *tdx.Collateral, _ *tdx.PKI) { c.RootCACRL = foreign.RootCACRL }, "root CA CRL", "x509: ECDSA verification failure"},
		"PCK CRL of another CA":    {func(c *tdx.Collateral, _ *tdx.PKI) { c.PCKCRL = foreign.PCKCRL }, "PCK CRL", "x509: ECDSA verification failure"},
		"PCK CRL and chain of another": {func(c *tdx.Collateral, _ *tdx.PKI) {
			c.PCKCRL, c.PCKCRLIssuerChain = foreign.PCKCRL, foreign.PCKCRLIssuerChain
		}, "PCK CRL", authority},
		"lists swapped":                 {func(c *tdx.Collateral, _ *tdx.PKI) { c.PCKCRL, c.RootCACRL = c.RootCACRL, c.PCKCRL }, "root CA CRL", "is of another issuer"},
		"TCB info signed by the PCK CA": {func(c *tdx.Collateral, _ *tdx.PKI) { c.TCBInfoIssuerChain = c.PCKCRLIssuerChain }, "TCB info", `issuer is "Intel SGX PCK Platform CA"`},
		"PCK CRL by the TCB signer":     {func(c *tdx.Collateral, _ *tdx.PKI) { c.PCKCRLIssuerChain = c.TCBInfoIssuerChain }, "PCK CRL", `issuer is "Intel SGX TCB Signing"`},
		"statements swapped": {func(c *tdx.Collateral, _ *tdx.PKI) {
			c.TCBInfo, c.QEIdentity, c.TCBInfoSignature, c.QEIdentitySignature = c.QEIdentity, c.TCBInfo, c.QEIdentitySignature, c.TCBInfoSignature
		}, "QE identity", "is not a TD_QE identity of version 2"},
		"signature swapped": {func(c *tdx.Collateral, _ *tdx.PKI) { c.TCBInfoSignature = c.QEIdentitySignature }, "TCB info", bytes},
		"a blank added":     {func(c *tdx.Collateral, _ *tdx.PKI) { c.TCBInfo += " " }, "TCB info", bytes},
		"status rewritten": {func(c *tdx.Collateral, _ *tdx.PKI) {
			c.TCBInfo = strings.Replace(c.TCBInfo, "UpToDate", "OutOfDate", 1)
		}, "TCB info", bytes},
		"an identity's blank": {func(c *tdx.Collateral, _ *tdx.PKI) { c.QEIdentity += " " }, "QE identity", bytes},
	} {
		v := newVM()
		v.collateral = tc.change
		because(t, name, v.judge(t), tc.find, tc.why)
	}
	v := newVM()
	e, p := v.evidence(t)
	p.Collateral = nil
	outcome(t, verify.Judge(t.Context(), e, p), 1, "A", "collateral", report.Undecided)
	// Another processor family, whose collateral is of another root here.
	v = newVM()
	v.platform.FMSPC[0] = 1
	e, p = v.evidence(t)
	u := newVM()
	_, p2 := u.evidence(t)
	p.Collateral = p2.Collateral
	because(t, "another family's collateral", verify.Judge(t.Context(), e, p), "TCB info", authority)
}

// TestOwnCollateral: the evidence's own collateral is good, and still a choice of those
// who hand it over; a reader's own file is not.
// SECURITY.md: E11.
func TestOwnCollateral(t *testing.T) {
	for name, tc := range map[string]struct {
		policy []string
		code   int
		o      report.Outcome
	}{
		"not accepted":          {nil, 1, report.Undecided},
		"accepted":              {[]string{"COLLATERAL=evidence"}, 0, report.Note},
		"accepted, and too old": {[]string{"COLLATERAL=evidence", "TCB_EVALUATION=18"}, 4, report.Note},
		"new enough":            {[]string{"TCB_EVALUATION=17"}, 1, report.Undecided},
	} {
		v := newVM()
		v.policy = tc.policy
		e, p := v.evidence(t)
		e.Collateral, p.Collateral = p.Collateral, nil
		r := verify.Judge(t.Context(), e, p)
		t.Run(name, func(t *testing.T) { outcome(t, r, tc.code, "A", "collateral", tc.o) })
		if tc.code == 0 && !slices.Contains(r.Accepted, "the evidence's own collateral") {
			t.Errorf("accepted: %q", r.Accepted)
		}
	}
	v := newVM()
	e, p := v.evidence(t)
	outcome(t, verify.Judge(t.Context(), e, p), 0, "A", "collateral", report.Pass)
}

// TestTCB: every combination of statuses of platform, module and QE, judged by
// default and with all three allowed by name. What passes is exactly what should.
// SECURITY.md: E2.
func TestTCB(t *testing.T) {
	all := append(quote.Statuses(), "SomethingNew")
	v := newVM()
	pki, err := tdx.NewPKI(v.platform)
	if err != nil {
		t.Fatal(err)
	}
	root, err := quote.ParseRoot(pki.RootPEM())
	if err != nil {
		t.Fatal(err)
	}
	rank := map[quote.Status]int{}
	for i, s := range all {
		rank[s] = i
	}
	tried := 0
	for _, svn := range [][16]byte{{3, 1}, {3, 0}} {
		v.report.TEETCBSVN = svn
		raw, err := pki.Quote(v.report, v.enclave)
		if err != nil {
			t.Fatal(err)
		}
		for _, platform := range all {
			for _, module := range all {
				for _, qe := range all {
					tried++
					c, err := pki.Collateral(svn, v.enclave, tdx.Statuses{Platform: string(platform), Module: string(module), QE: string(qe)})
					if err != nil {
						t.Fatal(err)
					}
					data, _ := json.Marshal(c)
					collateral, err := quote.ParseCollateral(data)
					if err != nil {
						t.Fatal(err)
					}
					q, err := quote.Parse(raw)
					if err != nil {
						t.Fatal(err)
					}
					tcb, err := collateral.Check(root, now).Judge(q)
					if err != nil {
						t.Fatal(err)
					}
					parts := []quote.Status{platform, module, qe}
					if svn[1] == 0 { // the module is judged with the platform
						parts[1] = quote.UpToDate
					}
					worst := parts[0]
					for _, s := range parts {
						if rank[s] > rank[worst] {
							worst = s
						}
					}
					if tcb.Worst() != worst || tcb.Platform != parts[0] || tcb.Module != parts[1] || tcb.QE != parts[2] {
						t.Errorf("%v is judged as %+v", parts, tcb)
					}
				}
			}
		}
	}
	t.Logf("%d combinations", tried)
	for _, tc := range []struct {
		st    tdx.Statuses
		allow string
		code  int
	}{
		{tdx.Statuses{Platform: "OutOfDate"}, "", 4},
		{tdx.Statuses{Module: "OutOfDate"}, "", 4},
		{tdx.Statuses{QE: "OutOfDate"}, "", 4},
		{tdx.Statuses{QE: "SomethingNew"}, "OutOfDate", 4},
		{tdx.Statuses{Platform: "OutOfDate"}, "OutOfDate", 0},
		{tdx.Statuses{Platform: "ConfigurationNeeded", QE: "OutOfDate"}, "OutOfDate", 4}, // each by its own name
		{tdx.Statuses{Platform: "ConfigurationNeeded", QE: "OutOfDate"}, "OutOfDate,ConfigurationNeeded", 0},
		{tdx.Statuses{Platform: "Revoked"}, "OutOfDate", 3},
		{tdx.Statuses{Module: "Revoked"}, "OutOfDate", 3},
		{tdx.Statuses{QE: "Revoked"}, "OutOfDate", 3},
	} {
		v := newVM()
		v.statuses = tc.st
		if tc.allow != "" {
			v.policy = []string{"TCB_STATUS_ALLOWED=" + tc.allow}
		}
		if r := v.judge(t); r.ExitCode != tc.code {
			t.Errorf("%+v with %q allowed: exit code %d, want %d", tc.st, tc.allow, r.ExitCode, tc.code)
		}
	}
}

// TestStatusNames: a policy can allow exactly the statuses that collateral has, but
// Revoked. Package policy has names of its own, since the launcher links it.
func TestStatusNames(t *testing.T) {
	var names []string
	for _, s := range policy.TCBStatuses() {
		names = append(names, s.String())
	}
	for i, s := range quote.Statuses() {
		if s == quote.Revoked {
			continue
		}
		if i >= len(names) || names[i] != string(s) {
			t.Errorf("%s is not number %d of %q", s, i, names)
		}
	}
	if len(names) != len(quote.Statuses())-1 {
		t.Errorf("%q", names)
	}
}

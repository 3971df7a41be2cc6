package verify_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/sha3"

	"gitlauncher/internal/sim/tdx"
	"gitlauncher/measure"
	"gitlauncher/verify"
	"gitlauncher/verify/quote"
)

// outcome asserts the exit code, and that the named finding has the outcome.
func outcome(t *testing.T, r *verify.Report, code int, check, name string, o verify.Outcome) {
	t.Helper()
	found := name == ""
	for _, f := range r.Findings {
		found = found || f.Check == check && f.Name == name && f.Outcome == o
		if f.Outcome != verify.Pass && f.Outcome != verify.Note && f.Why == "" {
			t.Errorf("%s %s is %s without a reason", f.Check, f.Name, f.Outcome)
		}
	}
	if r.ExitCode != code || !found {
		t.Errorf("exit code %d, want %d; want %s %q to be %s", r.ExitCode, code, check, name, o)
		for _, f := range r.Findings {
			t.Logf("%s %-12s %-26s %.150s | %.100s", f.Check, f.Outcome, f.Name, f.Why, f.Found)
		}
	}
}

func TestGood(t *testing.T) {
	for name, change := range map[string]func(v *vm){
		"version 4":         func(*vm) {},
		"version 5":         func(v *vm) { v.report.Version = 5 },
		"module 1.0":        func(v *vm) { v.levels, v.report.TEETCBSVN = [16]byte{3, 0}, [16]byte{3, 0} },
		"nonce":             func(v *vm) { v.nonce, v.policy = []byte{1, 2}, []string{"NONCE=0102"} },
		"MRCONFIGID":        func(v *vm) { v.configID(1) },
		"MRCONFIGID v2":     func(v *vm) { v.configID(2) },
		"everything":        func(v *vm) { v.policy = everything() },
		"other commit, too": func(v *vm) { v.policy = []string{"COMMIT_SHA=" + strings.Repeat("9", 40)} },
		"init scripts": func(v *vm) {
			v.boot = insert(bootEvents(v.measured()), 4, measure.Event{Name: "init-script-hash"}, measure.Event{Name: "init-script-hash", Payload: []byte{1}}, measure.Event{Name: "os-image-hash", Payload: make([]byte, 32)}, measure.Event{Name: "new-thing"})
		},
		"application's events": func(v *vm) { v.after = append(launchEvents(t, gitRecord()), measure.Event{Name: "mine"}) },
		"two launches": func(v *vm) {
			other := gitRecord()
			other.Commit = strings.Repeat("9", 40)
			v.policy = []string{"COMMIT_SHA=" + other.Commit}
			v.after = append(launchEvents(t, gitRecord()), launchEvents(t, other)...)
		},
		"log version 2": func(v *vm) { v.version2(t) },
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			change(v)
			want(t, v.judge(t), 0, map[string]verify.Outcome{"A": verify.Pass, "B": verify.Pass, "C": verify.Pass, "D": verify.Pass, "E": verify.Pass, "F": verify.Note})
		})
	}
	r := newVM().judge(t)
	if r.Verdict != verify.Verified || r.Intel || len(r.Launches) != 1 || r.Launches[0].Commit != commit {
		t.Errorf("report is %+v", r)
	}
}

// everything is every key that git mode's records can meet.
func everything() []string {
	r := gitRecord()
	return []string{
		"REPO_URL=" + r.RepoURL, "REPO_SUBDIR=", "ENTRYPOINT_SCRIPT=entrypoint.sh", "CONFIG_SHA256=" + r.ConfigSHA256, "TREE=" + r.Tree,
		"CONTENT_SHA256=" + r.ContentSHA256, "ENTRYPOINT_SHA256=" + r.EntrypointSHA256, "ALLOWED_ENVS=",
	}
}

func insert(events []measure.Event, at int, more ...measure.Event) []measure.Event {
	return append(append(events[:at:at], more...), events[at:]...)
}

// measured fixes the app-compose and gives its bytes.
func (v *vm) measured() []byte {
	v.app["docker_compose_file"] = v.compose
	v.appCompose, _ = json.Marshal(v.app)
	return v.appCompose
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

// version2 writes the log's entries in version 2, with the register to match.
func (v *vm) version2(t *testing.T) {
	var reg measure.Register
	for _, e := range append(bootEvents(v.measured()), launchEvents(t, gitRecord())...) {
		d, err := e.DigestV2()
		if err != nil {
			t.Fatal(err)
		}
		reg = reg.Extend(d)
	}
	v.report.RTMR[3] = reg
	v.log = func(log measure.Log) measure.Log {
		for i, e := range log {
			if e.IMR == 3 {
				payload, _ := hex.DecodeString(e.Payload)
				preimage, _ := measure.Event{Name: e.Event, Payload: payload}.Preimage()
				log[i].Version, log[i].Preimage = 2, hex.EncodeToString(preimage)
			}
		}
		return log
	}
}

// TestQuote: what makes a quote no proof (check A), and registers of another system (B).
func TestQuote(t *testing.T) {
	const a, b = "A", "B"
	for name, tc := range map[string]struct {
		change      func(v *vm)
		code        int
		check, find string
		o           verify.Outcome
	}{
		"another root":       {func(v *vm) { v.foreign = true }, 3, a, "signatures", verify.Invalid},
		"cut short":          {func(v *vm) { v.quoted = func(q []byte) []byte { return q[:700] } }, 3, a, "quote", verify.Invalid},
		"bytes behind":       {func(v *vm) { v.quoted = func(q []byte) []byte { return append(q, 0, 7) } }, 0, "", "", ""},
		"debug TD":           {func(v *vm) { v.report.TDAttributes[0] = 1 }, 3, a, "debug mode", verify.Invalid},
		"under debug, bit 3": {func(v *vm) { v.report.TDAttributes[0] = 8 }, 3, a, "debug mode", verify.Invalid},
		"migratable":         {func(v *vm) { v.report.TDAttributes[3] |= 0x20 }, 3, a, "migration", verify.Invalid},
		"debug QE":           {func(v *vm) { v.enclave.Attributes[0] = 2 }, 3, a, "debug mode", verify.Invalid},
		"foreign module":     {func(v *vm) { v.report.MRSignerSeam[0] = 1 }, 3, a, "MRSIGNERSEAM", verify.Invalid},
		"service TD":         {func(v *vm) { v.report.Version, v.report.MRServiceTD[0] = 5, 1 }, 3, a, "MRSERVICETD", verify.Invalid},
		"v5 debug TD":        {func(v *vm) { v.report.Version, v.report.TDAttributes[0] = 5, 1 }, 3, a, "debug mode", verify.Invalid},
		"another MRTD":       {func(v *vm) { v.report.MRTD[7] = 1 }, 4, b, "MRTD", verify.NotAllowed},
		"another RTMR0":      {func(v *vm) { v.report.RTMR[0][7] = 1 }, 4, b, "RTMR0", verify.NotAllowed},
		"another RTMR1":      {func(v *vm) { v.report.RTMR[1][7] = 1 }, 4, b, "RTMR1", verify.NotAllowed},
		"another RTMR2":      {func(v *vm) { v.report.RTMR[2][7] = 1 }, 4, b, "RTMR2", verify.NotAllowed},
		"MRTD unexpected":    {func(v *vm) { v.without = []string{"MRTD"} }, 1, b, "MRTD", verify.Undecided},
		"other system, nothing expected": {func(v *vm) {
			v.report.MRTD[7], v.without = 1, []string{"MRTD", "RTMR0", "RTMR1", "RTMR2"}
		}, 1, b, "MRTD", verify.Undecided},
		"MRCONFIGID of another compose":            {func(v *vm) { v.report.MRConfigID = [48]byte{1, 2, 3} }, 3, b, "MRCONFIGID", verify.Invalid},
		"MRCONFIGID v2 of another compose":         {func(v *vm) { v.report.MRConfigID = [48]byte{2, 2, 3} }, 3, b, "MRCONFIGID", verify.Invalid},
		"MRCONFIGID v2 of an unknown key provider": {func(v *vm) { v.app["key_provider"] = "new"; v.report.MRConfigID = [48]byte{2, 2, 3} }, 1, b, "MRCONFIGID", verify.Undecided},
		"MRCONFIGID of form 9":                     {func(v *vm) { v.report.MRConfigID = [48]byte{9} }, 1, b, "MRCONFIGID", verify.Undecided},
		"platform below every level":               {func(v *vm) { v.levels[2] = 9 }, 3, a, "platform", verify.Invalid},
		"module below every level":                 {func(v *vm) { v.levels[0] = 9 }, 3, a, "platform", verify.Invalid},
		"module unknown":                           {func(v *vm) { v.levels[1] = 9 }, 3, a, "platform", verify.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			tc.change(v)
			outcome(t, v.judge(t), tc.code, tc.check, tc.find, tc.o)
		})
	}
}

// TestDatesAndRevocation: each certificate and list, too old, too new and revoked.
func TestDatesAndRevocation(t *testing.T) {
	old := tdx.Validity{From: now.Add(-3 * time.Hour), Until: now.Add(-2 * time.Hour)}
	young := tdx.Validity{From: now.Add(2 * time.Hour), Until: now.Add(3 * time.Hour)}
	for _, what := range []string{tdx.DatedRoot, tdx.DatedPlatform, tdx.DatedPCK, tdx.DatedSigning, tdx.DatedRootCRL, tdx.DatedPCKCRL, tdx.DatedTCBInfo, tdx.DatedQEIdentity} {
		for name, dates := range map[string]tdx.Validity{"expired": old, "not yet valid": young} {
			v := newVM()
			v.platform.Odd = map[string]tdx.Validity{what: dates}
			if r := v.judge(t); r.ExitCode != 3 {
				t.Errorf("%s, %s: exit code %d", what, name, r.ExitCode)
			}
		}
	}
	for name, serial := range map[string]int64{"PCK": tdx.SerialPCK, "platform CA": tdx.SerialPlatform, "TCB signing": tdx.SerialSigning} {
		v := newVM()
		v.platform.Revoked = []int64{99, serial}
		if r := v.judge(t); r.ExitCode != 3 {
			t.Errorf("%s revoked: exit code %d", name, r.ExitCode)
		}
	}
	v := newVM()
	v.platform.Revoked = []int64{99}
	want(t, v.judge(t), 0, nil)
}

// TestCollateral: pieces in each other's place, of another platform, or missing.
func TestCollateral(t *testing.T) {
	other, err := tdx.NewPKI(newVM().platform)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Collateral([16]byte{3, 1}, newVM().enclave, tdx.Statuses{Platform: "UpToDate", Module: "UpToDate", QE: "UpToDate"})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(c *tdx.Collateral, p *tdx.PKI){
		"TCB info of another root": func(c *tdx.Collateral, _ *tdx.PKI) {
			c.TCBInfo, c.TCBInfoSignature, c.TCBInfoIssuerChain = foreign.TCBInfo, foreign.TCBInfoSignature, foreign.TCBInfoIssuerChain
		},
		"QE identity of another root": func(c *tdx.Collateral, _ *tdx.PKI) {
			c.QEIdentity, c.QEIdentitySignature, c.QEIdentityIssuerChain = foreign.QEIdentity, foreign.QEIdentitySignature, foreign.QEIdentityIssuerChain
		},
		"root CRL of another root": func(c *tdx.Collateral, _ *tdx.PKI) { c.RootCACRL = foreign.RootCACRL },
		"PCK CRL of another CA":    func(c *tdx.Collateral, _ *tdx.PKI) { c.PCKCRL = foreign.PCKCRL },
		"PCK CRL and chain of another": func(c *tdx.Collateral, _ *tdx.PKI) {
			c.PCKCRL, c.PCKCRLIssuerChain = foreign.PCKCRL, foreign.PCKCRLIssuerChain
		},
		"lists swapped":                 func(c *tdx.Collateral, _ *tdx.PKI) { c.PCKCRL, c.RootCACRL = c.RootCACRL, c.PCKCRL },
		"TCB info signed by the PCK CA": func(c *tdx.Collateral, _ *tdx.PKI) { c.TCBInfoIssuerChain = c.PCKCRLIssuerChain },
		"PCK CRL by the TCB signer":     func(c *tdx.Collateral, _ *tdx.PKI) { c.PCKCRLIssuerChain = c.TCBInfoIssuerChain },
		"statements swapped": func(c *tdx.Collateral, _ *tdx.PKI) {
			c.TCBInfo, c.QEIdentity, c.TCBInfoSignature, c.QEIdentitySignature = c.QEIdentity, c.TCBInfo, c.QEIdentitySignature, c.TCBInfoSignature
		},
		"signature swapped": func(c *tdx.Collateral, _ *tdx.PKI) { c.TCBInfoSignature = c.QEIdentitySignature },
		"a blank added":     func(c *tdx.Collateral, _ *tdx.PKI) { c.TCBInfo += " " },
		"status rewritten": func(c *tdx.Collateral, _ *tdx.PKI) {
			c.TCBInfo = strings.Replace(c.TCBInfo, "UpToDate", "OutOfDate", 1)
		},
	} {
		v := newVM()
		v.collateral = change
		if r := v.judge(t); r.ExitCode != 3 {
			t.Errorf("%s: exit code %d", name, r.ExitCode)
		}
	}
	v := newVM()
	e, p := v.evidence(t)
	p.Collateral = nil
	outcome(t, verify.Judge(t.Context(), e, p), 1, "A", "collateral", verify.Undecided)
	// Another processor family, whose collateral is as genuine.
	v = newVM()
	v.platform.FMSPC[0] = 1
	e, p = v.evidence(t)
	u := newVM()
	_, p2 := u.evidence(t)
	p.Collateral = p2.Collateral
	if r := verify.Judge(t.Context(), e, p); r.ExitCode != 3 {
		t.Errorf("another family's collateral: exit code %d", r.ExitCode)
	}
}

// TestTCB: every combination of statuses of platform, module and QE, judged by
// default and with all three allowed by name. What passes is exactly what should.
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

// TestLog: logs that are not the register, or that dstack did not write (C).
func TestLog(t *testing.T) {
	edit := func(name string, change func(e *measure.Entry)) func(v *vm) {
		return func(v *vm) {
			v.log = func(log measure.Log) measure.Log {
				for i := range log {
					if log[i].Event == name {
						change(&log[i])
					}
				}
				return log
			}
		}
	}
	boot := func(change func([]measure.Event) []measure.Event) func(v *vm) {
		return func(v *vm) { v.boot = change(bootEvents(v.measured())) }
	}
	for name, tc := range map[string]struct {
		change func(v *vm)
		find   string
	}{
		"payload changed": {edit("git-commit", func(e *measure.Entry) { e.Payload = strings.Repeat("9", 40) }), "event log"},
		"payload changed under the right digest": {edit("git-commit", func(e *measure.Entry) {
			e.Digest, e.Payload = measure.Event{Name: "git-commit", Payload: must(hex.DecodeString(commit))}.Digest().String(), strings.Repeat("9", 40)
		}), "event log"},
		"wrong digest":            {edit("git-commit", func(e *measure.Entry) { e.Digest = strings.Repeat("0", 96) }), "event log"},
		"another register":        {edit("git-commit", func(e *measure.Entry) { e.IMR = 2 }), "event log"},
		"another type":            {edit("git-commit", func(e *measure.Entry) { e.EventType = 1 }), "event log"},
		"name changed":            {edit("git-commit", func(e *measure.Entry) { e.Event = "git-commitment" }), "event log"},
		"colon moved into a name": {edit("git-commit", func(e *measure.Entry) { e.Event, e.Payload = "git-commit:\x01", e.Payload[2:] }), "event log"},
		"payload not hex":         {edit("git-commit", func(e *measure.Entry) { e.Payload = "zz" }), "event log"},
		"version 3":               {edit("git-commit", func(e *measure.Entry) { e.Version = 3 }), "event log"},
		"version 2, no preimage":  {edit("git-commit", func(e *measure.Entry) { e.Version = 2 }), "event log"},
		"version 1, preimage":     {edit("git-commit", func(e *measure.Entry) { e.Preimage = "00" }), "event log"},
		"version 2, preimage not canonical": {func(v *vm) {
			v.version2(t)
			inner := v.log
			v.log = func(log measure.Log) measure.Log {
				log = inner(log)
				text := must(hex.DecodeString(log[3].Preimage))
				log[3].Preimage = hex.EncodeToString([]byte(strings.Replace(string(text), ",", ", ", 1)))
				return log
			}
		}, "event log"},
		"doubled":          {func(v *vm) { v.log = func(l measure.Log) measure.Log { return append(l, l[len(l)-1]) } }, "event log"},
		"last one missing": {func(v *vm) { v.log = func(l measure.Log) measure.Log { return l[:len(l)-1] } }, "event log"},
		"reordered":        {func(v *vm) { v.log = func(l measure.Log) measure.Log { l[2], l[3] = l[3], l[2]; return l } }, "event log"},
		"one added": {func(v *vm) {
			v.log = func(l measure.Log) measure.Log { return append(l, logOf([]measure.Event{{Name: "x"}})...) }
		}, "event log"},
		"another boot's":      {func(v *vm) { v.report.RTMR[3] = [48]byte{9} }, "event log"},
		"no system-preparing": {boot(func(e []measure.Event) []measure.Event { return e[1:] }), "boot events"},
		"no system-ready":     {boot(func(e []measure.Event) []measure.Event { return e[:len(e)-1] }), "boot events"},
		"two compose hashes":  {boot(func(e []measure.Event) []measure.Event { return insert(e, 3, e[2]) }), "boot events"},
		"out of order":        {boot(func(e []measure.Event) []measure.Event { e[3], e[4] = e[4], e[3]; return e }), "boot events"},
		"two storage-fs":      {boot(func(e []measure.Event) []measure.Event { return insert(e, 7, e[6]) }), "boot events"},
		"ours before system-ready": {boot(func(e []measure.Event) []measure.Event {
			return insert(e, 4, launchEvents(t, gitRecord())...)
		}), "boot events"},
		"compose-hash after system-ready": {func(v *vm) {
			v.after = append(launchEvents(t, gitRecord()), bootEvents([]byte("other"))[2])
		}, "boot events"},
		"second system-ready": {func(v *vm) { v.after = append(launchEvents(t, gitRecord()), measure.Event{Name: "system-ready"}) }, "boot events"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			tc.change(v)
			outcome(t, v.judge(t), 3, "C", tc.find, verify.Invalid)
		})
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

// TestLaunch: launches that are not what is expected (E).
func TestLaunch(t *testing.T) {
	change := func(f func(r *measure.GitRecord)) func(v *vm) {
		return func(v *vm) {
			r := gitRecord()
			f(r)
			v.after, v.record = launchEvents(t, r), marshal(t, r)
		}
	}
	other := gitRecord()
	other.Commit = strings.Repeat("9", 40)
	image := []measure.Event{{Name: measure.EventImageDigest, Payload: must(hex.DecodeString(workload[7:]))}}
	for name, tc := range map[string]struct {
		change func(v *vm)
		policy []string
		code   int
		find   string
		o      verify.Outcome
	}{
		"another commit":                 {change(func(r *measure.GitRecord) { r.Commit = other.Commit }), nil, 4, "commit", verify.NotAllowed},
		"commit unexpected":              {func(v *vm) { v.without = []string{"COMMIT_SHA"} }, nil, 1, "commit", verify.Undecided},
		"another repository":             {func(*vm) {}, []string{"REPO_URL=https://example.org/other.git"}, 4, "repository", verify.NotAllowed},
		"another config":                 {change(func(r *measure.GitRecord) { r.ConfigSHA256 = strings.Repeat("0", 64) }), nil, 4, "config of the compose", verify.NotAllowed},
		"sub-directory":                  {change(func(r *measure.GitRecord) { r.Subdir = "debug" }), nil, 1, "sub-directory", verify.Undecided},
		"another script":                 {change(func(r *measure.GitRecord) { r.Entrypoint = "debug.sh" }), nil, 1, "entry script", verify.Undecided},
		"script refused":                 {change(func(r *measure.GitRecord) { r.Entrypoint = "debug.sh" }), []string{"ENTRYPOINT_SCRIPT=entrypoint.sh"}, 4, "entry script", verify.NotAllowed},
		"a command":                      {change(func(r *measure.GitRecord) { r.Advanced, r.RunCmd = true, "curl x | sh" }), nil, 1, "run command", verify.Undecided},
		"a command for a script":         {change(func(r *measure.GitRecord) { r.Advanced, r.RunCmd = true, "curl x | sh" }), []string{"ENTRYPOINT_SCRIPT=entrypoint.sh"}, 4, "entry script", verify.NotAllowed},
		"a script for a command":         {func(*vm) {}, []string{"RUN_CMD=make"}, 4, "run command", verify.NotAllowed},
		"the command":                    {change(func(r *measure.GitRecord) { r.Advanced, r.RunCmd = true, "make" }), []string{"RUN_CMD=make"}, 0, "", ""},
		"an install command":             {change(func(r *measure.GitRecord) { r.Advanced, r.RunCmd, r.InstallCmd = true, "make", "curl x | sh" }), []string{"RUN_CMD=make"}, 1, "install command", verify.Undecided},
		"a script's bytes for a command": {change(func(r *measure.GitRecord) { r.Advanced, r.RunCmd = true, "make" }), []string{"RUN_CMD=make", "ENTRYPOINT_SHA256=" + strings.Repeat("0", 64)}, 4, "entry script's bytes", verify.NotAllowed},
		"no install command":             {func(*vm) {}, []string{"INSTALL_CMD=make"}, 4, "install command", verify.NotAllowed},
		"two launches":                   {func(v *vm) { v.after = append(launchEvents(t, gitRecord()), launchEvents(t, other)...) }, nil, 4, "commit", verify.NotAllowed},
		"no launch":                      {func(v *vm) { v.after = []measure.Event{{Name: "mine"}} }, nil, 3, "launch", verify.NotAllowed},
		"commit without record":          {func(v *vm) { v.after = append(launchEvents(t, gitRecord()), launchEvents(t, other)[0]) }, nil, 4, "launch events", verify.NotAllowed},
		"record without commit":          {func(v *vm) { v.after = launchEvents(t, gitRecord())[1:] }, nil, 4, "launch events", verify.NotAllowed},
		"record not canonical": {func(v *vm) {
			v.after = append(launchEvents(t, gitRecord()), measure.Event{Name: "git-launch", Payload: []byte(`{ "v":"1"}`)})
		}, nil, 4, "launch events", verify.NotAllowed},
		"an image, too":             {func(v *vm) { v.after = append(launchEvents(t, gitRecord()), image...) }, nil, 4, "image", verify.NotAllowed},
		"receipt of another record": {func(v *vm) { v.record = marshal(t, other) }, nil, 3, "receipt", verify.Invalid},
		"quote for another record":  {func(v *vm) { v.report.ReportData = measure.ReportData(nil, marshal(t, other)) }, nil, 3, "receipt", verify.Invalid},
		"quote for another nonce": {func(v *vm) {
			v.nonce, v.report.ReportData = []byte{1}, measure.ReportData([]byte{2}, marshal(t, gitRecord()))
		}, nil, 3, "receipt", verify.Invalid},
		"stale nonce":                {func(v *vm) { v.nonce = []byte{1} }, []string{"NONCE=02"}, 4, "nonce", verify.NotAllowed},
		"launch receipt for a nonce": {func(*vm) {}, []string{"NONCE=02"}, 4, "nonce", verify.NotAllowed},
		"other report data":          {func(*vm) {}, []string{"REPORT_DATA=" + strings.Repeat("00", 64)}, 4, "report data", verify.NotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			tc.change(v)
			v.policy = append(v.policy, tc.policy...)
			outcome(t, v.judge(t), tc.code, "E", tc.find, tc.o)
		})
	}
}

// TestComposeHashPinsTheConfig: what of the commit ran is pinned by the compose's
// hash where the config is in it, not where an exception lets it come from elsewhere.
func TestComposeHashPinsTheConfig(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		v, r := newVM(), gitRecord()
		r.Entrypoint = "debug.sh"
		if elsewhere {
			v.compose = strings.Replace(v.compose, "content: |", "file: ./config.conf", 1)
			v.compose = v.compose[:strings.Index(v.compose, "      REPO_URL")] + "volumes:\n  workload:\n"
			v.policy = []string{"ALLOW_COMPOSE=launcher:configs"}
		}
		v.after, v.record = launchEvents(t, r), marshal(t, r)
		v.policy = append(v.policy, "COMPOSE_HASH="+digestOf(v.measured()))
		if elsewhere {
			outcome(t, v.judge(t), 1, "E", "entry script", verify.Undecided)
		} else {
			outcome(t, v.judge(t), 0, "E", "entry script", verify.Pass)
		}
	}
}

// TestExpectedOfAnImage: what is expected and can't be judged leaves the verdict open.
func TestExpectedOfAnImage(t *testing.T) {
	for key, name := range map[string]string{"CONFIG_SHA256": "config hash", "TREE": "TREE", "ENTRYPOINT_SHA256": "ENTRYPOINT_SHA256"} {
		v := newVM()
		v.compose, v.without, v.policy = imageCompose, []string{"COMMIT_SHA"}, []string{"IMAGE_DIGEST=" + workload, key + "=" + strings.Repeat("0", 64)}
		if key == "TREE" {
			v.policy[1] = "TREE=" + tree
		}
		v.after = []measure.Event{{Name: measure.EventImageDigest, Payload: must(hex.DecodeString(workload[7:]))}}
		e, p := v.evidence(t)
		e.Receipt = nil
		outcome(t, verify.Judge(t.Context(), e, p), 1, "E", name, verify.Undecided)
	}
}

// TestCheckoutOfAnImage: a clone that can't be held against the launch is named.
func TestCheckoutOfAnImage(t *testing.T) {
	v := newVM()
	v.compose, v.without, v.policy = imageCompose, []string{"COMMIT_SHA"}, []string{"IMAGE_DIGEST=" + workload}
	v.after = []measure.Event{{Name: measure.EventImageDigest, Payload: must(hex.DecodeString(workload[7:]))}}
	e, p := v.evidence(t)
	e.Receipt, p.Checkout = nil, &verify.Checkout{Commit: commit}
	outcome(t, verify.Judge(t.Context(), e, p), 1, "E", "clone", verify.Undecided)
}

// TestImageMode: the image launcher's evidence, with its record and as the
// present MPC launcher writes it.
func TestImageMode(t *testing.T) {
	record := &measure.ImageRecord{
		Launcher: "v1", ConfigSHA256: strings.Repeat("1", 64), Image: "nearone/mpc-node", ApprovedDigest: workload, ManifestDigest: workload,
		ConfigDigest: "sha256:" + strings.Repeat("2", 64), Platform: "linux/amd64", ContainerSHA256: strings.Repeat("3", 64),
	}
	digest := measure.Event{Name: measure.EventImageDigest, Payload: must(hex.DecodeString(workload[7:]))}
	other := measure.Event{Name: measure.EventImageDigest, Payload: make([]byte, 32)}
	launched := measure.Event{Name: measure.EventImageLaunch, Payload: marshal(t, record)}
	for name, tc := range map[string]struct {
		after []measure.Event
		code  int
		find  string
		o     verify.Outcome
	}{
		"with record":           {[]measure.Event{digest, launched}, 0, "user config", verify.Note},
		"digest alone":          {[]measure.Event{digest}, 0, "launch record", verify.Note},
		"digest twice":          {[]measure.Event{digest, digest}, 4, "launch events", verify.NotAllowed},
		"another digest":        {[]measure.Event{other}, 4, "image", verify.NotAllowed},
		"two digests":           {[]measure.Event{digest, launched, other}, 4, "image", verify.NotAllowed},
		"record without digest": {[]measure.Event{launched}, 4, "launch events", verify.NotAllowed},
		"git, too":              {append([]measure.Event{digest, launched}, launchEvents(t, gitRecord())...), 4, "commit", verify.NotAllowed},
		"nothing":               {[]measure.Event{{Name: "mine"}}, 4, "launch", verify.NotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVM()
			v.compose = imageCompose
			v.without, v.policy = []string{"COMMIT_SHA"}, []string{"IMAGE_DIGEST=" + workload}
			v.after, v.record = tc.after, launched.Payload
			e, p := v.evidence(t)
			e.Receipt = nil // as from GetQuote
			outcome(t, verify.Judge(t.Context(), e, p), tc.code, "E", tc.find, tc.o)
		})
	}
}

const imageCompose = `
services:
  launcher:
    image: example.org/launcher@` + launcher + `
    environment: [PLATFORM=TEE, DOCKER_CONTENT_TRUST=1, "DEFAULT_IMAGE_DIGEST=` + workload + `"]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock", "/var/run/dstack.sock:/var/run/dstack.sock", "/tapp:/tapp:ro", "shared-volume:/mnt/shared"]
    security_opt: ["no-new-privileges:true"]
    read_only: true
    tmpfs: [/tmp]
volumes:
  shared-volume:
    name: shared-volume
`

// TestPrefixQuote: the quote of “phala cvms attestation” is older than any launch.
func TestPrefixQuote(t *testing.T) {
	v := newVM()
	boot, err := logOf(bootEvents(v.measured())[:7]).Replay()
	if err != nil {
		t.Fatal(err)
	}
	v.report.RTMR[3] = measure.End(boot)
	e, p := v.evidence(t)
	doc, _ := json.Marshal(map[string]any{
		"app_certificates": []any{map[string]any{"quote": nil}, map[string]any{"quote": "0x" + hex.EncodeToString(e.Quote)}},
		"tcb_info":         map[string]any{"event_log": e.Log, "app_compose": string(v.appCompose)},
		"compose_file":     v.compose,
	})
	e, err = verify.ParseEvidence(doc)
	if err != nil || e.Kind != verify.KindPhala {
		t.Fatalf("%v, %v", e, err)
	}
	r := verify.Judge(t.Context(), e, p)
	outcome(t, r, 1, "E", "launch", verify.Undecided)
	outcome(t, r, 1, "C", "event log", verify.Note)
	outcome(t, r, 1, "D", "app-compose", verify.Pass)
}

// TestCompose: a compose that is not the measured one, or that can't be judged.
func TestComposeBytes(t *testing.T) {
	v := newVM()
	e, p := v.evidence(t)
	for name, tc := range map[string]struct {
		bytes string
		code  int
		o     verify.Outcome
	}{
		"newline added, as by jq -r": {string(e.AppCompose) + "\n", 3, verify.Invalid},
		"another":                    {"{}", 3, verify.Invalid},
	} {
		other := *e
		other.AppCompose = []byte(tc.bytes)
		r := verify.Judge(t.Context(), &other, p)
		outcome(t, r, tc.code, "D", "app-compose", tc.o)
		if strings.HasPrefix(name, "newline") && !strings.Contains(fmt.Sprint(r.Findings), "jq -j") {
			t.Error("the newline is not named")
		}
	}
	e.AppCompose = nil
	outcome(t, verify.Judge(t.Context(), e, p), 1, "D", "app-compose", verify.Undecided)
	for name, doc := range map[string]string{
		"not JSON":          `{`,
		"a key twice":       `{"runner":"docker-compose","runner":"x","docker_compose_file":"services: {launcher: {image: x}}"}`,
		"a key shadowed":    `{"runner":"docker-compose","docker_compose_file":"services: {launcher: {image: x}}","Docker_Compose_File":"x"}`,
		"YAML key twice":    `{"runner":"docker-compose","docker_compose_file":"services: {launcher: {image: x, image: y}}"}`,
		"YAML key in caps":  `{"runner":"docker-compose","docker_compose_file":"services: {launcher: {image: x, Privileged: true}}"}`,
		"no services":       `{"runner":"docker-compose","docker_compose_file":"volumes: {}"}`,
		"no YAML":           `{"runner":"docker-compose","docker_compose_file":"]["}`,
		"an alias too many": `{"runner":"docker-compose","docker_compose_file":"services: {launcher: *x}"}`,
	} {
		v := newVM()
		v.appCompose = []byte(doc)
		if r := v.judge(t); r.ExitCode != 4 {
			t.Errorf("%s: exit code %d", name, r.ExitCode)
		}
	}
}

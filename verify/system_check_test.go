package verify_test

import (
	"encoding/json"
	"strings"
	"testing"

	"gitlauncher/internal/testenv"
	"gitlauncher/policy"
	"gitlauncher/verify"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
	"gitlauncher/verify/system/catalogue"
)

// realHash is the os_image_hash of the build whose quote is dstack-0.6-getquote.json,
// and realTables are its VM's ACPI tables.
const (
	realHash   = "e6f5cfec20c02e7b97baa213d0f718020b55e040172d90ccbcb946d56c8b09db"
	realTables = "095d04cf26fe03aef6e3561fa24c1aa1cea93f4aeaf563b1f9f7616184c53454875925759434769cec2490acb563a337," +
		"8d9a4d4777a1bc77ecd9d8d37a4628129a80052a510320159a20a923bd07a0e90d8d1f2e1ebf088992b25f0d0fa672ef," +
		"3070721e169bc41884724cb0e6b3082e1baf249083d8b389181ba50b9afa951057876c380b8870e8c2facf2eff67a2b6"
)

// withoutShapes returns a catalogue that knows no tables, and has a system for the
// tests.
func withoutShapes(t *testing.T, images string) *catalogue.Catalogue {
	t.Helper()
	c, err := new(catalogue.Catalogue).With([]byte(`{"version":1,"sources":{"t":{"what":"a test","where":"here","date":"2026-11-26"}},
		"flaws":[{"id":"T-1","what":"it is flawed","source":"t"}],"images":[` + images + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestSystem names how check B comes out on a real 0.6 quote for each way in which a
// policy can name the system.
// SECURITY.md: S2.
func TestSystem(t *testing.T) {
	data := testenv.ReadFixture(t, "dstack-0.6-getquote.json")
	flawed := func(flaw string) string {
		return `{"name":"real-1.0","os_image_hash":"` + realHash + `","source":"t","flaws":[{"id":"T-1"` + flaw + `}]}`
	}
	q, err := quote.Parse(parse(t, data).Quote)
	if err != nil {
		t.Fatal(err)
	}
	const hash = "OS_IMAGE_HASH=" + realHash
	for _, c := range []struct {
		name   string
		policy []string
		known  string // of a catalogue without tables; "-": this program's own
		find   string
		want   report.Outcome
		text   string // in what was found, or why
		worst  report.Outcome
	}{
		{"by hash alone", []string{hash}, "-", "RTMR0", report.Pass, "(2 GiB of memory)", report.Pass},
		{"by hash, flaws unknown", []string{hash}, "-", "advisories", report.Note, "does not have it", report.Pass},
		{"published tables", []string{hash}, "-", "ACPI tables", report.Pass, "2 vCPUs, 2 GiB, QEMU 8.2.2", report.Pass},
		{"tables of nobody", []string{hash}, "", "ACPI tables", report.Undecided, "ACPI_TABLES=unchecked accepts them", report.Undecided},
		{"tables pinned", []string{hash, "ACPI_TABLES=" + realTables}, "", "ACPI tables", report.Pass, "095d04cf", report.Pass},
		{"one of two pins", []string{hash, "ACPI_TABLES=" + strings.Repeat(q.MRTD.String()+",", 2) + q.MRTD.String(), "ACPI_TABLES=" + realTables}, "", "ACPI tables", report.Pass, "095d04cf", report.Pass},
		{"other tables pinned", []string{hash, "ACPI_TABLES=" + strings.Repeat(q.MRTD.String()+",", 2) + q.MRTD.String()}, "-", "ACPI tables", report.NotAllowed, "other ACPI tables", report.NotAllowed},
		{"tables unchecked", []string{hash, "ACPI_TABLES=unchecked"}, "", "ACPI tables", report.Note, "accepted unchecked", report.Pass},
		{"tables by RTMR0", []string{hash, "RTMR0=" + q.RTMR[0].String()}, "", "ACPI tables", report.Pass, "pinned by RTMR0", report.Pass},
		{"derived beside a pin", []string{hash, "RTMR0=" + q.RTMR[0].String()}, "", "RTMR0 of the OS image", report.Pass, "", report.Pass},
		{"a pin that differs", []string{hash, "MRTD=" + q.RTMR[0].String()}, "-", "MRTD", report.NotAllowed, "", report.NotAllowed},
		{"another hash", []string{"OS_IMAGE_HASH=" + strings.Repeat("a", 64)}, "-", "OS image", report.NotAllowed, "another image", report.NotAllowed},
		{"one of two hashes", []string{"OS_IMAGE_HASH=" + strings.Repeat("a", 64) + "," + realHash}, "-", "OS image", report.Pass, realHash, report.Pass},
		{"a published image, another", []string{"OS_IMAGE=dstack-0.6.6"}, "-", "OS image", report.NotAllowed, "another image", report.NotAllowed},
		{"an image that nobody knows", []string{"OS_IMAGE=dstack-9.9"}, "-", "OS image", report.Undecided, "--systems FILE", report.Undecided},
		{"by name", []string{"OS_IMAGE=real-1.0", "ACPI_TABLES=unchecked", "ACCEPT_ADVISORY=T-1"}, flawed(""), "RTMR2", report.Pass, "", report.Pass},
		{"flawed", []string{"OS_IMAGE=real-1.0", "ACPI_TABLES=unchecked"}, flawed(""), "advisories", report.NotAllowed, "ACCEPT_ADVISORY=T-1 accepts it", report.NotAllowed},
		{"flawed, by hash", []string{hash, "ACPI_TABLES=unchecked"}, flawed(""), "advisories", report.NotAllowed, "it is flawed", report.NotAllowed},
		{"flawed, accepted", []string{hash, "ACPI_TABLES=unchecked", "ACCEPT_ADVISORY=X,T-1"}, flawed(""), "advisories", report.Note, "accepted: it is flawed", report.Pass},
		{"flawed, another accepted", []string{hash, "ACPI_TABLES=unchecked", "ACCEPT_ADVISORY=X"}, flawed(""), "advisories", report.NotAllowed, "", report.NotAllowed},
		{"without a flaw", []string{hash, "ACPI_TABLES=unchecked"}, strings.Replace(flawed(""), `{"id":"T-1"}`, "", 1), "advisories", report.Pass, "none known of real-1.0", report.Pass},
		{"perhaps flawed", []string{hash, "ACPI_TABLES=unchecked"}, flawed(`,"unclear":"t"`), "advisories", report.Undecided, "not published whether", report.Undecided},
		{"nothing expected", nil, "-", "MRTD", report.Undecided, "OS_IMAGE_HASH=" + realHash, report.Undecided},
		{"tables pinned, registers not", []string{"ACPI_TABLES=" + realTables}, "-", "ACPI tables", report.Pass, "", report.Undecided},
	} {
		t.Run(c.name, func(t *testing.T) {
			known := catalogue.BuiltIn()
			if c.known != "-" {
				known = withoutShapes(t, c.known)
			}
			r := verify.Judge(t.Context(), parse(t, data), verify.Params{Root: intel(t), At: moment(t, "2026-08-20T00:00:00Z"), Policy: expecting(t, c.policy...), Systems: known})
			check(t, r, c.find, c.want, c.text)
			if got := worst(r, "B"); got != c.worst {
				t.Errorf("B is %s, want %s", got, c.worst)
			}
		})
	}
}

// check compares one finding of check B with what it must be.
func check(t *testing.T, r *report.Report, name string, want report.Outcome, text string) {
	t.Helper()
	for _, f := range r.Findings {
		if f.Check == "B" && f.Name == name {
			if f.Outcome != want || !strings.Contains(f.Found+f.Why+strings.Join(f.Settle, ""), text) {
				t.Errorf("%+v, want %s, %q", f, want, text)
			}
			return
		}
	}
	t.Errorf("B has no %q, want %s", name, want)
}

// worst returns the worst outcome of one check, except MRCONFIGID's, which needs a
// compose.
func worst(r *report.Report, letter string) report.Outcome {
	order := []report.Outcome{report.Pass, report.Note, report.Undecided, report.NotAllowed, report.Invalid}
	at := 0
	for _, f := range r.Findings {
		for i, o := range order {
			if f.Check == letter && f.Name != "MRCONFIGID" && f.Outcome == o && i > 1 {
				at = max(at, i)
			}
		}
	}
	return order[at]
}

// TestSystemOfNEAR: one line names the system of an MPC node. Its evidence has no
// vm_config, and its image is a development one of a version with a known flaw.
func TestSystemOfNEAR(t *testing.T) {
	data := testenv.ReadFixture(t, "near-public-data.json")
	judge := func(lines ...string) *report.Report {
		lines = append(lines, "LAUNCHER_IMAGE_DIGEST=sha256:5618a93a78c9ac9173e7ebf7c8af173bd675be6832a2f8c2a9a7149ac2678f54",
			"IMAGE_DIGEST=sha256:564a5aebc33495d5610626d23cb9e3da8e9d531d0edff9e38aa1ccaf059c15d3", "ALLOW_COMPOSE=service:signer-key-export@sha256:cda8e3f64bde7c90e83bb50472be923c31c0b2cedf40bdcb85718c3414479907")
		return verify.Judge(t.Context(), parse(t, data), verify.Params{Root: intel(t), At: moment(t, "2026-08-20T00:00:00Z"), Policy: expecting(t, lines...)})
	}
	r := judge("OS_IMAGE=dstack-dev-0.5.8")
	check(t, r, "RTMR0", report.Pass, "(64 GiB of memory)")
	check(t, r, "ACPI tables", report.Pass, "8 vCPUs, 64 GiB, QEMU 8.2.2")
	check(t, r, "advisories", report.NotAllowed, "")
	if r.ExitCode != 4 {
		t.Errorf("exit code %d", r.ExitCode)
	}
	accepted := "ACCEPT_ADVISORY=DEV-IMAGE,GHSA-c79w-3x5w-gmm5"
	for _, name := range []string{"OS_IMAGE=dstack-dev-0.5.8", "OS_IMAGE_HASH=7d47512fda31dc5a7318f72ae1869a3c76323981eea21fc30cafd0f79668642c"} {
		if r = judge(name, accepted); worst(r, "B") != report.Pass {
			t.Errorf("%s: B is %s", name, worst(r, "B"))
		}
	}
	r = judge("OS_IMAGE=dstack-0.5.8", accepted) // the production image has another root file system
	check(t, r, "RTMR2", report.NotAllowed, "command line or initrd")
	r = judge("OS_IMAGE=dstack-0.5.12", accepted) // no registers of it are published
	check(t, r, "OS image", report.Undecided, "no registers are known")
	check(t, r, "RTMR1", report.Undecided, "")
}

// TestVMConfigOfEvidence: garbage in vm_config is the host's, and changes no verdict.
func TestVMConfigOfEvidence(t *testing.T) {
	var doc map[string]any
	if err := json.Unmarshal(testenv.ReadFixture(t, "dstack-0.6-getquote.json"), &doc); err != nil {
		t.Fatal(err)
	}
	doc["vm_config"] = "{"
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	judge := func(p *policy.Policy) *report.Report {
		return verify.Judge(t.Context(), parse(t, data), verify.Params{Root: intel(t), At: moment(t, "2026-08-20T00:00:00Z"), Policy: p})
	}
	r := judge(expecting(t, "OS_IMAGE_HASH="+realHash))
	check(t, r, "vm_config", report.Note, "the host's word")
	check(t, r, "OS image", report.Undecided, "no measurement document")
	for _, f := range judge(nil).Findings {
		if f.Name == "vm_config" {
			t.Errorf("nobody needs it, and the report has %+v", f)
		}
	}
	e := parse(t, testenv.ReadFixture(t, "dstack-quote-report.json"))
	if !strings.Contains(string(e.VMConfig), `"qemu_version": "9.2.1"`) {
		t.Errorf("vm_config is %q", e.VMConfig)
	}
	doc["vm_config"] = map[string]any{"cpu_count": 2}
	if data, err = json.Marshal(doc); err != nil || string(parse(t, data).VMConfig) != `{"cpu_count":2}` {
		t.Errorf("of an object it is %q, %v", parse(t, data).VMConfig, err)
	}
	e.VMConfig = nil
	if err := e.SetInfo([]byte(`{"tcb_info":"{}","vm_config":"{\"cpu_count\":1}"}`)); err != nil || string(e.VMConfig) != `{"cpu_count":1}` {
		t.Errorf("of Info it is %q, %v", e.VMConfig, err)
	}
	if err := e.SetInfo([]byte(`{"tcb_info":"{}","vm_config":"{}"}`)); err != nil || string(e.VMConfig) != `{"cpu_count":1}` {
		t.Errorf("another Info takes the place of %q, %v", e.VMConfig, err)
	}
}

// TestSetVMConfig reads it as an object and as a string that holds one.
func TestSetVMConfig(t *testing.T) {
	for _, text := range []string{`{"cpu_count":1}`, `"{\"cpu_count\":1}"`} {
		e := new(evidence.Evidence)
		if err := e.SetVMConfig([]byte(text)); err != nil || string(e.VMConfig) != `{"cpu_count":1}` {
			t.Errorf("%s: %q, %v", text, e.VMConfig, err)
		}
	}
	if err := new(evidence.Evidence).SetVMConfig([]byte(`[1]`)); err == nil || !strings.Contains(err.Error(), "vm_config") {
		t.Errorf("a list is a vm_config: %v", err)
	}
}

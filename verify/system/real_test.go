package system_test

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"gitlauncher/internal/testenv"
	"gitlauncher/measure"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/system"
	"gitlauncher/verify/system/catalogue"
	"gitlauncher/verify/system/tdvf"
)

// read decodes a fixture.
func read(t testing.TB, name string, into any) {
	t.Helper()
	if err := json.Unmarshal(testenv.ReadFixture(t, name), into); err != nil {
		t.Fatal(err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func register(t testing.TB, s string) measure.Register {
	t.Helper()
	r, err := measure.ParseRegister(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// getQuote is a guest agent's answer.
type getQuote struct {
	Quote    string `json:"quote"`
	EventLog string `json:"event_log"`
	VMConfig string `json:"vm_config"`
}

// realHash is the os_image_hash of the build whose quote is dstack-0.6-getquote.json.
const realHash = "e6f5cfec20c02e7b97baa213d0f718020b55e040172d90ccbcb946d56c8b09db"

func inputOf(t testing.TB, rawQuote []byte, log measure.Log) system.Input {
	t.Helper()
	q, err := quote.Parse(rawQuote)
	if err != nil {
		t.Fatal(err)
	}
	return system.Input{MRTD: q.MRTD, RTMR: [3]measure.Register(q.RTMR[:3]), Log: log}
}

// realVM returns the real 0.6 quote with everything that came with it, and with the
// image's hash as a reader's expectation.
func realVM(t testing.TB) (system.Input, getQuote) {
	t.Helper()
	var a getQuote
	read(t, "dstack-0.6-getquote.json", &a)
	in := inputOf(t, must(hex.DecodeString(a.Quote)), must(measure.ParseLog([]byte(a.EventLog))))
	in.VM = must(system.ParseVMConfig([]byte(a.VMConfig)))
	in.Images = []system.Image{{Hash: realHash}}
	in.Shapes = catalogue.BuiltIn().Shapes
	return in, a
}

// normalised returns a quote of a later build, on QEMU 10.2.1, with a document of
// version 4.
func normalised(t testing.TB) system.Input {
	t.Helper()
	var d struct {
		MRTD, RTMR0, RTMR1, RTMR2 string
		ACPI                      []string
		VMConfig                  string `json:"vm_config"`
	}
	if err := json.Unmarshal(must(os.ReadFile("testdata/normalized-qemu-10.2.json")), &d); err != nil {
		t.Fatal(err)
	}
	in := system.Input{
		MRTD: register(t, d.MRTD), RTMR: [3]measure.Register{register(t, d.RTMR0), register(t, d.RTMR1), register(t, d.RTMR2)},
		VM: must(system.ParseVMConfig([]byte(d.VMConfig))), Shapes: catalogue.BuiltIn().Shapes,
	}
	for _, digest := range d.ACPI {
		in.Log = append(in.Log, measure.Entry{IMR: 0, Digest: digest})
	}
	in.Images = []system.Image{{Hash: in.VM.ImageHash}}
	return in
}

func near(t testing.TB) system.Input {
	t.Helper()
	var d struct {
		Info struct {
			Dstack struct {
				Quote   []int `json:"quote"`
				TCBInfo struct {
					EventLog json.RawMessage `json:"event_log"`
				} `json:"tcb_info"`
			} `json:"Dstack"`
		} `json:"tee_participant_info"`
	}
	read(t, "near-public-data.json", &d)
	raw := make([]byte, len(d.Info.Dstack.Quote))
	for i, b := range d.Info.Dstack.Quote {
		raw[i] = byte(b)
	}
	in := inputOf(t, raw, must(measure.ParseLog(d.Info.Dstack.TCBInfo.EventLog)))
	in.Shapes = catalogue.BuiltIn().Shapes
	return in
}

func outcomes(r *system.Result) (s string) {
	for _, f := range r.Findings {
		s += f.Name + ": " + string(f.Outcome) + " " + f.Found
		if f.Why != "" {
			s += " (" + f.Why + ")"
		}
		s += "\n"
	}
	return s
}

// TestRealQuote derives all four registers of a real 0.6 VM from one hash, to the last
// bit: two vCPUs, 2 GiB, QEMU 8.2.2, a document of version 3. SECURITY.md: S1.
func TestRealQuote(t *testing.T) {
	in, _ := realVM(t)
	r := system.Judge(in)
	if !r.Proven() || len(r.Findings) != 6 {
		t.Fatalf("not proven:\n%s", outcomes(r))
	}
	if r.Memory != 2<<30 || r.Document.Version != 3 || r.Image.Hash != realHash {
		t.Errorf("memory %d, version %d, image %s", r.Memory, r.Document.Version, r.Image)
	}
	if got := must(r.Document.Witness.RTMR0(2<<30, must(acpiOf(r)))); got != in.RTMR[0] || r.Document.RTMR1() != in.RTMR[1] || r.Document.RTMR2() != in.RTMR[2] || r.Document.TwoPass != in.MRTD {
		t.Error("a derived register is not the quote's")
	}
	for flip := range 48 * 8 { // the quote's word is compared to the last bit
		for i := range 4 {
			changed := in
			target := &changed.MRTD
			if i > 0 {
				target = &changed.RTMR[i-1]
			}
			target[flip/8] ^= 1 << (flip % 8)
			if system.Judge(changed).Proven() {
				t.Fatalf("bit %d of register %d may change", flip, i)
			}
		}
	}
}

func acpiOf(r *system.Result) (tdvf.ACPI, error) {
	a, _ := r.Boot.ACPI()
	return a, nil
}

// TestRealQuoteOfLaterBuild: a document of version 4 has the command line itself, the
// kernel is normalised, and QEMU 10.2.1 adds pages in one pass. The evidence has the
// stripped log of dstack's v1 Attest answer: of RTMR0 the tables' digests alone.
func TestRealQuoteOfLaterBuild(t *testing.T) {
	in := normalised(t)
	r := system.Judge(in)
	if !r.Proven() || len(r.Findings) != 6 {
		t.Fatalf("not proven:\n%s", outcomes(r))
	}
	d := r.Document
	if d.Version != 4 || !d.Normalised || !strings.HasPrefix(d.Cmdline, "console=ttyS0 ") || d.SinglePass != in.MRTD || r.Memory != 2<<30 {
		t.Errorf("%+v, %d bytes", d, r.Memory)
	}
	other := in
	other.Log = slices.Clone(in.Log)
	other.Log[1].Digest = in.Log[0].Digest
	if f, _ := system.Judge(other).Find(system.FindingRTMR0); f.Outcome != system.Differs {
		t.Errorf("with other tables in the stripped log RTMR0 is %+v", f)
	}
	in.Log = nil // the same tables are published
	if r := system.Judge(in); !r.Proven() {
		t.Errorf("not proven by the published tables:\n%s", outcomes(r))
	}
	in.Shapes = nil
	f, _ := system.Judge(in).Find(system.FindingRTMR0)
	if f.Outcome != system.Open || !strings.Contains(f.Why, "no log of RTMR0") {
		t.Errorf("without a log and known tables RTMR0 is %+v", f)
	}
}

// TestNEAR: an MPC node's evidence has no vm_config. Its image is known by registers,
// its memory by the TD HOB, and its ACPI tables as NEAR publishes them.
func TestNEAR(t *testing.T) {
	in := near(t)
	image, ok := catalogue.BuiltIn().ByName("dstack-dev-0.5.8")
	if !ok {
		t.Fatal("dstack-dev-0.5.8 is not in the catalogue")
	}
	in.Images = []system.Image{image.Image}
	r := system.Judge(in)
	if !r.Proven() || r.Memory != 64<<30 {
		t.Fatalf("not proven, %d bytes:\n%s", r.Memory, outcomes(r))
	}
	other, _ := catalogue.BuiltIn().ByName("dstack-0.5.8") // the same kernel, another root file system
	in.Images = []system.Image{other.Image}
	f, _ := system.Judge(in).Find(system.FindingRTMR2)
	if f.Outcome != system.Differs {
		t.Errorf("the production image's RTMR2: %+v", f)
	}
}

// TestRealGPU: the TD HOB and constants of a VM whose image is not published come out
// of the firmware's ranges, too.
func TestRealGPU(t *testing.T) {
	var a getQuote
	read(t, "dstack-quote-report.json", &a)
	in := inputOf(t, must(hex.DecodeString(a.Quote)), must(measure.ParseLog([]byte(a.EventLog))))
	set := catalogue.BuiltIn().Images[0].Sets[0]
	boot := must(tdvf.ReadBoot(in.Log))
	acpi, _ := boot.ACPI()
	if got := must(set.Witness.RTMR0(64<<30, acpi)); got != in.RTMR[0] {
		t.Errorf("RTMR0 is %s, derived %s", in.RTMR[0], got)
	}
	if m := set.Witness.FindMemory(boot[0][0]); m != 64<<30 {
		t.Errorf("its memory is found to be %d bytes", m)
	}
}

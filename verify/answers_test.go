package verify_test

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"gitlauncher/internal/testenv"
	"gitlauncher/measure"
	"gitlauncher/verify"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/report"
)

// answers returns what a guest agent with a pinned launch answers: to GetQuote, to
// Attest (as MessagePack), and to Info of v0 and of v1.
func answers(t *testing.T, v *vm) (getQuote string, attestation []byte, info0, info1 string, p verify.Params) {
	t.Helper()
	unrecorded(v)
	e, p := v.evidence(t)
	text := func(doc any) string {
		data, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	getQuote = text(map[string]string{"quote": hex.EncodeToString(e.Quote), "event_log": text(e.Log), "report_data": ""})
	info1 = text(map[string]string{"app_compose": string(v.appCompose), "app_name": "x"})
	info0 = text(map[string]string{"tcb_info": text(map[string]string{"app_compose": string(v.appCompose)}), "app_name": "x"})
	return getQuote, attestationOf(t, e.Quote, e.Log, nil), info0, info1, p
}

// attestationOf returns an attestation of guest API v1, with what a test changes in it.
func attestationOf(t *testing.T, quote []byte, log measure.Log, change func(doc map[string]any)) []byte {
	t.Helper()
	numbers := make([]uint64, len(quote)) // as dstack's encoder writes it
	for i, b := range quote {
		numbers[i] = uint64(b)
	}
	var events []any
	for _, e := range log {
		digest, _ := hex.DecodeString(e.Digest)
		payload, _ := hex.DecodeString(e.Payload)
		events = append(events, map[string]any{"imr": e.IMR, "event_type": e.EventType, "digest": digest, "event": e.Event, "event_payload": payload})
	}
	doc := map[string]any{
		"version": uint64(1), "platform": map[string]any{"kind": "tdx", "data": map[string]any{"quote": numbers, "event_log": events}},
		"stack": map[string]any{"kind": "dstack", "data": map[string]any{"config": ""}},
	}
	if change != nil {
		change(doc)
	}
	data, err := msgpack.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestAnswers: a pinned launch is verified by each answer of the guest agent, in each
// form that people hand over.
func TestAnswers(t *testing.T) {
	v := newVM()
	getQuote, attestation, info0, info1, p := answers(t, v)
	attest := `{"attestation":"` + hex.EncodeToString(attestation) + `"}`
	merged := func(a, b string) string { return strings.TrimSuffix(a, "}") + "," + strings.TrimPrefix(b, "{") }
	for name, tc := range map[string]struct {
		evidence, info string
		kind           evidence.Kind
		code           int
	}{
		"GetQuote, Info of v0 beside it": {getQuote, info0, evidence.KindQuote, 0},
		"GetQuote, Info of v1 beside it": {getQuote, info1, evidence.KindQuote, 0},
		"GetQuote alone":                 {getQuote, "", evidence.KindQuote, 1},
		"Attest, Info of v1 beside it":   {attest, info1, evidence.KindAttest, 0},
		"Attest, Info of v0 beside it":   {attest, info0, evidence.KindAttest, 0},
		"Attest alone":                   {attest, "", evidence.KindAttest, 1},
		"Attest's bytes":                 {string(attestation), info1, evidence.KindAttest, 0},
		"one object":                     {merged(getQuote, info0), "", evidence.KindQuote, 0},
		"one object of v1":               {merged(attest, info1), "", evidence.KindAttest, 0},
		"two objects":                    {info0 + "\n" + getQuote + "\n", "", evidence.KindQuote, 0},
		"two objects, turned around":     {getQuote + info1, "", evidence.KindQuote, 0},
		"two objects of v1":              {info1 + " " + attest, "", evidence.KindAttest, 0},
	} {
		e, err := evidence.Parse([]byte(tc.evidence))
		if err == nil && tc.info != "" {
			err = e.SetInfo([]byte(tc.info))
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r := verify.Judge(t.Context(), e, p); r.ExitCode != tc.code || r.Kind != tc.kind {
			t.Errorf("%s: %s, exit code %d", name, r.Kind, r.ExitCode)
		}
	}
	for name, bad := range map[string]string{
		"two quotes":               getQuote + getQuote,
		"two Infos":                info0 + info1,
		"three documents":          info0 + getQuote + info0,
		"both answers in one":      merged(getQuote, attest),
		"both answers in two":      getQuote + attest,
		"a receipt and an Info":    `{"record":"","quote":"00","event_log":"[]"}` + info0,
		"not hex":                  `{"attestation":"zz"}`,
		"a key twice in the other": getQuote + `{"app_compose":"","app_compose":""}`,
		"Info of nothing":          merged(getQuote, `{"tcb_info":""}`),
	} {
		if e, err := evidence.Parse([]byte(bad)); err == nil {
			t.Errorf("%s is taken for %s", name, e.Kind)
		}
	}
}

// TestDstack06: real evidence of dstack 0.6 is read as what it is: a GetQuote answer of a
// VM in which nothing was launched.
func TestDstack06(t *testing.T) {
	e := parse(t, testenv.ReadFixture(t, "dstack-0.6-getquote.json"))
	if e.Kind != evidence.KindQuote || e.VMConfig == nil {
		t.Fatalf("%s, vm_config %q", e.Kind, e.VMConfig)
	}
	r := verify.Judge(t.Context(), e, verify.Params{Root: intel(t), At: moment(t, "2026-06-01T00:00:00Z")})
	outcome(t, r, r.ExitCode, "C", "event log", report.Pass)
	outcome(t, r, r.ExitCode, "C", "boot events", report.Pass)
	outcome(t, r, r.ExitCode, "A", "debug mode", report.Pass)
	outcome(t, r, r.ExitCode, "D", "key provider", report.Undecided)
	outcome(t, r, r.ExitCode, "E", "launch", report.Undecided)
	for _, f := range r.Findings {
		if f.Outcome == report.Invalid && f.Name != "signatures" {
			t.Errorf("%s %s: %s", f.Check, f.Name, f.Why)
		}
	}
}

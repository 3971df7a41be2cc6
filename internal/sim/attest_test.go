package sim_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vmihailenco/msgpack/v5"

	"gitlauncher/internal/sim"
	"gitlauncher/measure"
)

// attested returns the MessagePack of Attest on a path.
func attested(t *testing.T, m *sim.Machine, path string) []byte {
	t.Helper()
	_, body := ask(m, "POST", path, `{"report_data":"0102"}`)
	var answer struct{ Attestation string }
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	data, err := hex.DecodeString(answer.Attestation)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestAttest reads an attestation as the specification says it is, without the types that
// wrote it: a map of names, the quote an array of numbers, digests binary.
func TestAttest(t *testing.T) {
	m := start(t, func(o *sim.Options) { o.Dstack, o.AppCompose = sim.V06, []byte(`{"event_log_version":2}`) })
	for _, path := range []string{"/v1/Attest", "/v0/Attest", "/Attest"} {
		data := attested(t, m, path)
		var v map[string]any
		if err := msgpack.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		if data[0] != 0x83 || number(v["version"]) != 1 {
			t.Errorf("%s: begins with %x, version %v", path, data[0], v["version"])
		}
		platform, stack := v["platform"].(map[string]any), v["stack"].(map[string]any)
		if platform["kind"] != "tdx" || stack["kind"] != "dstack" {
			t.Errorf("%s: kinds %v and %v", path, platform["kind"], stack["kind"])
		}
		quote := numbers(t, platform["data"].(map[string]any)["quote"])
		reportData := numbers(t, stack["data"].(map[string]any)["report_data"])
		if want := append([]byte{1, 2}, make([]byte, 62)...); !bytes.Equal(reportData, want) || !bytes.Equal(quote[48+520:][:64], want) {
			t.Errorf("%s: report data %x", path, reportData)
		}
		if err := tdxVerify(t, m, quote); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if got := replay(t, platform["data"].(map[string]any)["event_log"]); got.String() != hex.EncodeToString(quote[48+472:][:48]) {
			t.Errorf("%s: the log replays to %v", path, got)
		}
		if n := len(stack["data"].(map[string]any)["runtime_events"].([]any)); n != 8 {
			t.Errorf("%s: %d runtime events", path, n)
		}
	}
}

// number returns an integer that was decoded into the smallest type that holds it.
func number(v any) uint64 {
	if r := reflect.ValueOf(v); r.CanUint() {
		return r.Uint()
	}
	return uint64(reflect.ValueOf(v).Int())
}

// numbers returns the bytes of an array of numbers.
func numbers(t *testing.T, v any) []byte {
	t.Helper()
	var out []byte
	for _, n := range v.([]any) {
		out = append(out, byte(number(n)))
	}
	return out
}

// replay returns the register that an attestation's log ends in.
func replay(t *testing.T, v any) measure.Register {
	t.Helper()
	var log measure.Log
	var names []string
	for _, e := range v.([]any) {
		e := e.(map[string]any)
		entry := measure.Entry{
			IMR: uint32(number(e["imr"])), EventType: uint32(number(e["event_type"])), Event: e["event"].(string),
			Digest: hex.EncodeToString(e["digest"].([]byte)), Payload: hex.EncodeToString(e["event_payload"].([]byte)),
		}
		if entry.IMR == 3 {
			entry.Version, entry.Preimage = int(number(e["version"])), e["preimage"].(string)
		} else if entry.Event != "" {
			names = append(names, entry.Event)
		}
		log = append(log, entry)
	}
	if d := cmp.Diff([]string{"acpi-loader", "acpi-rsdp", "acpi-tables"}, names); d != "" {
		t.Error(d)
	}
	events, err := log.Replay()
	if err != nil {
		t.Fatal(err)
	}
	return measure.End(events)
}

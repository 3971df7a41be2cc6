package attest_test

import (
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"gitlauncher/verify/evidence/attest"
)

// event is a good entry of a log.
func event() map[string]any {
	return map[string]any{"imr": uint8(3), "event_type": uint32(0x08000001), "digest": []byte{}, "event": "app-id", "event_payload": []byte{1, 2}}
}

// document is a good attestation.
func document() map[string]any {
	return map[string]any{
		"version":  uint64(1),
		"platform": map[string]any{"kind": "tdx", "data": map[string]any{"quote": []byte{4, 0, 2}, "event_log": []any{event()}}},
		"stack":    map[string]any{"kind": "dstack", "data": map[string]any{"config": "{}", "report_data": []byte{0}}},
	}
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	data, err := msgpack.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParse(t *testing.T) {
	for name, change := range map[string]func(doc, data, event map[string]any){
		"binary": func(_, _, _ map[string]any) {},
		"numbers": func(_, data, event map[string]any) {
			data["quote"] = []uint64{4, 0, 2}
			event["event_payload"] = []uint64{1, 2}
		},
		"hex":     func(_, _, event map[string]any) { event["event_payload"], event["digest"] = "0102", "" },
		"nil":     func(_, _, event map[string]any) { event["digest"], event["preimage"] = nil, nil },
		"GCP":     func(doc, _, _ map[string]any) { doc["platform"].(map[string]any)["kind"] = "gcp-tdx" },
		"wide":    func(doc, _, event map[string]any) { doc["version"], event["imr"] = int64(1), uint64(3) },
		"further": func(doc, _, _ map[string]any) { doc["more"] = []any{true, "x"} },
	} {
		doc := document()
		data := doc["platform"].(map[string]any)["data"].(map[string]any)
		e := data["event_log"].([]any)[0].(map[string]any)
		change(doc, data, e)
		raw := encode(t, doc)
		a, err := attest.Parse(raw)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if string(a.Quote) != "\x04\x00\x02" || len(a.Log) != 1 || a.Log[0].Payload != "0102" || a.Log[0].IMR != 3 || a.Log[0].Event != "app-id" || a.VMConfig != "{}" || !attest.Is(raw) {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if attest.Is([]byte(`{"a":1}`)) || attest.Is([]byte("040002")) || attest.Is([]byte{4, 0}) || attest.Is(nil) {
		t.Error("something else is taken for an attestation")
	}
}

func TestRefused(t *testing.T) {
	var deep any = "x"
	for range 20 {
		deep = []any{deep}
	}
	with := func(change func(doc, data, event map[string]any)) []byte {
		doc := document()
		data := doc["platform"].(map[string]any)["data"].(map[string]any)
		change(doc, data, data["event_log"].([]any)[0].(map[string]any))
		return encode(t, doc)
	}
	good := encode(t, document())
	for want, data := range map[string][]byte{
		"is not of version 1":               with(func(doc, _, _ map[string]any) { doc["version"] = 2 }),
		"of the platform \"sev-snp\"":       with(func(doc, _, _ map[string]any) { doc["platform"].(map[string]any)["kind"] = "sev-snp" }),
		"has no quote":                      with(func(_, data, _ map[string]any) { data["quote"] = "040002" }),
		"has no event_log":                  with(func(_, data, _ map[string]any) { delete(data, "event_log") }),
		"entry 0: has no imr":               with(func(_, _, event map[string]any) { delete(event, "imr") }),
		"entry 0: has no event":             with(func(_, _, event map[string]any) { event["event"] = 1 }),
		"a event_payload that is not bytes": with(func(_, _, event map[string]any) { event["event_payload"] = []uint64{256} }),
		"a version that is not a number":    with(func(_, _, event map[string]any) { event["version"] = "2" }),
		"a negative number":                 with(func(doc, _, _ map[string]any) { doc["x"] = -1 }),
		"a value of the form":               with(func(doc, _, _ map[string]any) { doc["x"] = 1.5 }),
		"nested more than":                  with(func(doc, _, _ map[string]any) { doc["x"] = deep }),
		"not valid UTF-8":                   with(func(doc, _, _ map[string]any) { doc["x"] = "\xff" }),
		"something after its end":           append(good, 0),
		"EOF":                               good[:len(good)-1],
		"the key \"a\" twice":               {0x82, 0xa1, 'a', 0xc0, 0xa1, 'a', 0xc0},
		"a key that is not a string":        {0x81, 0x01, 0xc0},
		"more than 200000 values":           {0xdf, 0xff, 0xff, 0xff, 0xff},
		"attestation: has more than 200000": append([]byte{0x81, 0xa1, 'a', 0xdd, 0, 4, 0, 0}, strings.Repeat("\x01", 4<<16)...),
	} {
		if a, err := attest.Parse(data); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v, %v; want %s", a, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := attest.Parse(data)
		if err == nil && (len(a.Quote) > len(data) || len(a.Log) > len(data)) {
			t.Fatalf("%d bytes became %+v", len(data), a)
		}
	})
}

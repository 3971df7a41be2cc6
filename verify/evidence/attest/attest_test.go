package attest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"

	"gitlauncher/verify/evidence/attest"
)

// event returns a good entry of a log.
func event() map[string]any {
	return map[string]any{"imr": uint8(3), "event_type": uint32(0x08000001), "digest": []byte{}, "event": "app-id", "event_payload": []byte{1, 2}}
}

// document returns a good attestation.
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

// TestPartsRefused damages each part of an attestation in each way: what is not taken is
// refused by the part's name.
func TestPartsRefused(t *testing.T) {
	type m = map[string]any
	const missing, null, truth, text, zero, one, huge, list, object, raw, wide = "missing", "nil", "a truth value", "a text", "0", "1", "2^32", "a list", "a map", "bytes", "a list of 256"
	damages := map[string]any{null: nil, truth: true, text: "", zero: uint64(0), one: uint64(1), huge: uint64(1 << 32), list: []any{}, object: m{}, raw: []byte{1}, wide: []any{uint64(256)}, missing: nil}
	for _, row := range []struct {
		part, says string
		taken      []string
	}{
		{"version", "is not of version 1", []string{one}},
		{"platform", "is of the platform", nil},
		{"platform/kind", "is of the platform", nil},
		{"platform/data", "has no quote", nil},
		{"platform/data/quote", "has no quote", []string{list, raw}},
		{"platform/data/event_log", "event_log", []string{list}},
		{"event/imr", "has no imr", []string{zero, one}},
		{"event/event_type", "has no event_type", []string{zero, one}},
		{"event/event", "has no event", []string{text}},
		{"event/digest", "has a digest that is not bytes", []string{missing, null, text, list, raw}},
		{"event/event_payload", "has a event_payload that is not bytes", []string{missing, null, text, list, raw}},
		{"event/preimage", "has a preimage that is not bytes", []string{missing, null, text, list, raw}},
		{"event/version", "has a version that is not a number", []string{missing, zero, one}},
		{"stack", "", nil}, // the host's word: what is not there is not there
		{"stack/data", "", nil},
		{"stack/data/config", "", nil},
	} {
		for damage, value := range damages {
			doc, e := document(), event()
			doc["platform"].(m)["data"].(m)["event_log"] = []any{event(), e}
			keys := strings.Split(row.part, "/")
			in := doc
			if keys[0] == "event" {
				in, keys = e, keys[1:]
			}
			for _, k := range keys[:len(keys)-1] {
				in = in[k].(m)
			}
			if in[keys[len(keys)-1]] = value; damage == missing {
				delete(in, keys[len(keys)-1])
			}
			_, err := attest.Parse(encode(t, doc))
			says := row.says
			if slices.Contains(row.taken, damage) {
				says = ""
			}
			if says == "" && err != nil || says != "" && (err == nil || !strings.HasPrefix(err.Error(), "attestation: ") || !strings.Contains(err.Error(), says)) {
				t.Errorf("%s is %s: %v; want %q", row.part, damage, err, says)
			}
		}
	}
	for _, bad := range []any{nil, true, "x", uint64(7), []any{}} {
		doc := document()
		doc["platform"].(m)["data"].(m)["event_log"] = []any{bad}
		if _, err := attest.Parse(encode(t, doc)); err == nil || !strings.Contains(err.Error(), "event_log, entry 0: is not a map") {
			t.Errorf("the entry %v: %v", bad, err)
		}
		if _, err := attest.Parse(encode(t, bad)); err == nil || err.Error() != "attestation: is not of version 1" {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// TestBounds: the deepest attestation that is read and one level more, the most values
// and one more, and the numbers at their ends.
func TestBounds(t *testing.T) {
	nested := func(levels int) []byte {
		var deep any = "x"
		for range levels {
			deep = []any{deep}
		}
		doc := document()
		doc["x"] = deep
		return encode(t, doc)
	}
	values := func(n int) []byte { // 36 are there without the list
		doc := document()
		doc["x"] = make([]uint64, n-36)
		return encode(t, doc)
	}
	number := func(name string, n uint64) []byte {
		doc := document()
		doc["platform"].(map[string]any)["data"].(map[string]any)["event_log"].([]any)[0].(map[string]any)[name] = n
		return encode(t, doc)
	}
	for _, tc := range []struct {
		name string
		data []byte
		says string
	}{
		{"levels", nested(14), ""}, {"levels", nested(15), ""}, {"levels", nested(16), "is nested more than 16 levels deep"},
		{"values", values(199_999), ""}, {"values", values(200_000), ""}, {"values", values(200_001), "has more than 200000 values"},
		{"a register", number("imr", 1<<32-1), ""}, {"a register", number("imr", 1<<32), "has no imr"},
		{"a version", number("version", 1<<16), ""}, {"a version", number("version", 1<<16+1), "has a version"},
		{"a list of nil", append([]byte{0x81, 0xa1, 'a'}, 0x91, 0x91), "attestation: EOF"},
	} {
		if _, err := attest.Parse(tc.data); tc.says == "" && err != nil || tc.says != "" && (err == nil || !strings.Contains(err.Error(), tc.says)) {
			t.Errorf("%s: %v; want %q", tc.name, err, tc.says)
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

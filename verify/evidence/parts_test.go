package evidence_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gitlauncher/verify/evidence"
)

const (
	eventLog = `[{"imr":3,"event_type":134217729,"digest":"","event":"x","event_payload":"00"}]`
	tcbInfo  = `{"mrtd":"01","rtmr0":"","app_compose":"{}","event_log":` + eventLog + `}`
)

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// documents returns good evidence of each kind that is JSON.
func documents() map[string]string {
	return map[string]string{
		"receipt": `{"version":"1","binding":"pinned","record":"{}","nonce":"","quote":"0400","event_log":` + quoted(eventLog) +
			`,"report_data":"","vm_config":"","info":{"app_id":"a","vm_config":"","tcb_info":` + quoted(tcbInfo) + `},"collateral":null,"provenance":null}`,
		"GetQuote":    `{"quote":"0400","event_log":` + quoted(eventLog) + `,"report_data":"","vm_config":"{}","collateral":null}`,
		"Info of v0":  `{"quote":"0400","event_log":` + quoted(eventLog) + `,"tcb_info":` + quoted(tcbInfo) + `}`,
		"Info of v1":  `{"quote":"0400","event_log":` + eventLog + `,"app_compose":"{}"}`,
		"Attest":      `{"attestation":"` + attestation + `","vm_config":"","report_data":"","app_compose":"{}"}`,
		"public data": `{"tee_participant_info":{"Dstack":{"quote":[4,0],"collateral":null,"tcb_info":` + tcbInfo + `}}}`,
		"phala":       `{"app_certificates":[{"quote":"0400"}],"tcb_info":` + tcbInfo + `}`,
	}
}

// attestation returns one of guest API v1, as hex: a version, a platform with a quote
// of two bytes, and no event.
const attestation = "82a776657273696f6e01a8706c6174666f726d82a46b696e64a3746478a46461746182a571756f7465c4020400a96576656e745f6c6f6790"

// The damages of a part.
const (
	missing = "missing"
	twice   = "twice"
	null    = "null"
	number  = "7"
	list    = "[]"
	object  = "{}"
	empty   = `""`
	odd     = `"040"`
	text    = `"zz"`
	trailed = `"[] x"`
)

func damages() []string {
	return []string{missing, twice, null, number, list, object, empty, odd, text, trailed}
}

// damaged returns a document whose part, a path of keys, is damaged.
func damaged(t *testing.T, document, path, damage string) []byte {
	t.Helper()
	const here = "@here@"
	var doc map[string]any
	if err := json.Unmarshal([]byte(document), &doc); err != nil {
		t.Fatal(err)
	}
	keys := strings.Split(path, "/")
	key, in := keys[len(keys)-1], doc
	for _, k := range keys[:len(keys)-1] {
		in = in[k].(map[string]any)
	}
	was, err := json.Marshal(in[key])
	if err != nil {
		t.Fatal(err)
	}
	if damage == missing {
		delete(in, key)
	} else {
		in[key] = here
	}
	data, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	if damage == twice {
		damage = fmt.Sprintf(`%s,"%s":%s`, was, key, was)
	}
	return []byte(strings.Replace(string(data), `"`+here+`"`, damage, 1))
}

// TestPartsRefused damages each part of each kind in each way: bad parts are refused by
// the part's name. Checks judge later what a launch or a quote must say of them.
func TestPartsRefused(t *testing.T) {
	const neither = "evidence is neither a launch receipt"
	free := []string{missing, null, empty, odd, text, trailed} // a text that nobody reads here
	for _, row := range []struct {
		kind, part string
		says       string
		lacks      string // the error if it is missing, unless it is says
		taken      []string
	}{
		{"receipt", "version", "version", "", nil},
		{"receipt", "binding", "binding", "", free},
		{"receipt", "record", "record", "", free}, // E judges it; without one it is a GetQuote answer
		{"receipt", "nonce", "nonce", "", free},   // E judges it
		{"receipt", "quote", "quote", neither, nil},
		{"receipt", "event_log", "event", neither, nil},
		{"receipt", "report_data", "report_data", "", free},
		{"receipt", "vm_config", "vm_config", "", free}, // B judges it
		{"receipt", "info", "info", "", []string{missing, null, object}},
		{"receipt", "info/app_id", "info.app_id", "", free},
		{"receipt", "info/vm_config", "info.vm_config", "", free},
		{"receipt", "info/tcb_info", "tcb_info", "", []string{missing, null, empty}},
		{"receipt", "collateral", "collateral", "", []string{missing, null}},
		{"receipt", "provenance", "provenance", "", []string{missing, null, number, list, object, empty, odd, text, trailed}}, // F judges it
		{"GetQuote", "quote", "quote", neither, nil},
		{"GetQuote", "event_log", "event log", neither, []string{list}},
		{"GetQuote", "report_data", "report_data", "", free},
		{"GetQuote", "vm_config", "vm_config", "", []string{missing, null, number, list, object, empty, odd, text, trailed}}, // B judges it
		{"GetQuote", "collateral", "collateral", "", []string{missing, null}},
		{"Info of v0", "tcb_info", "tcb_info", "", []string{missing, object}},
		{"Info of v1", "app_compose", "app_compose", "", []string{missing, empty, odd, text, trailed}}, // D judges it
		{"Attest", "attestation", "attestation", neither, nil},
		{"Attest", "vm_config", "vm_config", "", []string{missing, null, number, list, object, empty, odd, text, trailed}},
		{"Attest", "app_compose", "app_compose", "", []string{missing, empty, odd, text, trailed}},
		{"public data", "tee_participant_info", "evidence: ", neither, nil},
		{"public data", "tee_participant_info/Dstack", "Dstack", "", nil},
		{"public data", "tee_participant_info/Dstack/quote", "quote", "", []string{null, list, empty}}, // A judges it
		{"public data", "tee_participant_info/Dstack/collateral", "collateral", "", []string{missing, null}},
		{"public data", "tee_participant_info/Dstack/tcb_info", "tcb_info", "", []string{object}},
		{"public data", "tee_participant_info/Dstack/tcb_info/mrtd", "mrtd", "", free}, // B compares it
		{"public data", "tee_participant_info/Dstack/tcb_info/app_compose", "app_compose", "", free},
		{"public data", "tee_participant_info/Dstack/tcb_info/event_log", "event log", "", []string{missing, list}},
		{"phala", "app_certificates", "certificate", neither, nil},
		{"phala", "tcb_info", "tcb_info", neither, []string{object}},
		{"phala", "tcb_info/app_compose", "app_compose", "", free},
		{"phala", "tcb_info/event_log", "event log", "", []string{missing, list}},
	} {
		for _, damage := range damages() {
			says := row.says
			switch {
			case damage == missing && row.lacks != "":
				says = row.lacks
			case damage == twice:
				says = fmt.Sprintf("the key %q twice", row.part[strings.LastIndex(row.part, "/")+1:])
			case slices.Contains(row.taken, damage):
				says = ""
			}
			_, err := evidence.Parse(damaged(t, documents()[row.kind], row.part, damage))
			if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
				t.Errorf("%s, %s %s: %v; want %q", row.kind, row.part, damage, err, says)
			}
		}
	}
}

// TestWholeDocuments: a document that is cut off anywhere, or continues after its end,
// is refused, and so is one of another form.
func TestWholeDocuments(t *testing.T) {
	refused := func(name, data, says string) {
		t.Helper()
		if _, err := evidence.Parse([]byte(data)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v; want %q", name, err, says)
		}
	}
	for kind, document := range documents() {
		if _, err := evidence.Parse([]byte(document)); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		for n := range len(document) {
			refused(fmt.Sprintf("%d bytes of %s", n, kind), document[:n], "evidence: JSON: ")
		}
		for _, behind := range []string{"x", "[]", "]", "null", "0"} {
			refused(kind+" and "+behind, document+behind, "evidence: JSON has something after its end")
		}
		for _, behind := range []string{"{}", document} {
			refused(kind+" and "+behind, document+behind, "evidence")
		}
		refused(kind+" in a list", "["+document+"]", "evidence: ")
	}
	for _, data := range []string{"null", "{}", `{"quote":"0400"}`, `{"event_log":"[]"}`, `{"record":"{}"}`, `{"app_certificates":[]}`, `{"tcb_info":{}}`} {
		refused(data, data, "evidence is neither a launch receipt")
	}
	for _, data := range []string{"[]", "7", `"x"`, "true"} {
		refused(data, data, "evidence: ")
	}
	if _, err := evidence.Parse([]byte(`{"attestation":"` + attestation + `c0"}`)); err == nil || err.Error() != "attestation: has something after its end" {
		t.Errorf("an attestation with something behind it: %v", err)
	}
	for n := range len(attestation) {
		want := "attestation: "
		if n%2 == 1 {
			want = "the attestation is not hex"
		}
		refused(fmt.Sprintf("%d digits of an attestation", n), `{"attestation":"`+attestation[:n]+`"}`, want)
	}
}

// TestSetParts: bad parts in separate files are refused by the part's name, too.
func TestSetParts(t *testing.T) {
	for _, row := range []struct {
		what string
		set  func(e *evidence.Evidence, data string) error
		good []string
		bad  map[string]string // its error
	}{
		{
			"a quote", func(e *evidence.Evidence, data string) error { return e.SetQuote([]byte(data)) },
			[]string{"0400", "0x0400\n", " 0400 ", "\x04\x00\x01", "\x05\x00", "\x04\x00"},
			map[string]string{"": "quote: is neither", "\x04": "quote: is neither", "\x03\x00": "quote: is neither", "\x06\x00": "quote: is neither", "\x04\x01": "quote: is neither", "040": "quote: is neither", "0x": "quote: is neither", "zzzz": "quote: is neither", strings.Repeat("/", 64): "quote: is neither", strings.Repeat("/", 64) + "/w==": "quote: is in base64"},
		},
		{
			"an Info answer", func(e *evidence.Evidence, data string) error { return e.SetInfo([]byte(data)) },
			[]string{`{"app_compose":"{}"}`, `{"tcb_info":` + quoted(tcbInfo) + `}`, `{"tcb_info":` + tcbInfo + `,"app_compose":null}`, `{"tcb_info":"","app_compose":"{}"}`, `{"tcb_info":null,"app_compose":""}`},
			map[string]string{"": "info: ", "{": "info: ", "[]": "info: ", "{}x": "info: ", `{"app_compose":7}`: "app_compose", `{"tcb_info":7}`: "tcb_info: ", `{"tcb_info":"","app_compose":null}`: "info: has neither", "{}": "info: has neither", `{"tcb_info":null}`: "info: has neither", `{"tcb_info":"{}","tcb_info":"{}"}`: `info: JSON has the key "tcb_info" twice`, `{"App_compose":"{}"}`: `info: JSON has the key "App_compose" where only "app_compose" is meant`},
		},
		{
			"a tcb_info", func(e *evidence.Evidence, data string) error { return e.SetTCBInfo([]byte(data)) },
			[]string{tcbInfo, quoted(tcbInfo), "{}", `{"app_compose":null}`},
			map[string]string{"": "tcb_info: ", "[]": "tcb_info: ", `"[]"`: "tcb_info: ", `{"event_log":"{}"}`: "event log: ", `{"app_compose":{}}`: "tcb_info: ", `{"rtmr0":1}`: "rtmr0", `{"rtmr1":1}`: "rtmr1", `{"rtmr2":1}`: "rtmr2"},
		},
		{
			"an event log", func(e *evidence.Evidence, data string) error { return e.SetLog([]byte(data)) },
			[]string{"[]", eventLog, quoted(eventLog)},
			map[string]string{"": "event log: ", "{}": "event log: ", "[[]]": "event log: ", `[{"imr":"3"}]`: "imr", `[{"imr":-1}]`: "imr", `[{"imr":4294967296}]`: "imr", `[{"event_type":""}]`: "event_type", `[{"event":7}]`: "event", `[{"event_payload":[]}]`: "event_payload", `[{"digest":7}]`: "digest", `[{"version":"2"}]`: "version", `[{"preimage":7}]`: "preimage", `[{"imr":3,"imr":3}]`: `the key "imr" twice`, `[{"IMR":3}]`: `the key "IMR" where only "imr" is meant`},
		},
		{
			"a vm_config", func(e *evidence.Evidence, data string) error { return e.SetVMConfig([]byte(data)) },
			[]string{"{}", `"{}"`},
			map[string]string{"": "vm_config", "[]": "vm_config", `"x"`: "vm_config", "{}x": "vm_config"},
		},
		{
			"an attestation", func(e *evidence.Evidence, data string) error { return e.SetAttestation([]byte(data)) },
			[]string{attestation, attestation + "\n"},
			map[string]string{"": "attestation: ", "{}": "attestation: ", attestation[:40]: "attestation: ", attestation + "00": "attestation: has something after its end"},
		},
	} {
		for _, data := range row.good {
			if err := row.set(new(evidence.Evidence), data); err != nil {
				t.Errorf("%s %q: %v", row.what, data, err)
			}
		}
		for data, says := range row.bad {
			if err := row.set(new(evidence.Evidence), data); err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s %q: %v; want %q", row.what, data, err, says)
			}
		}
	}
}

// TestTwoDocuments: Info's answer and that of GetQuote or Attest are read in either
// order, and an error names the bad one.
func TestTwoDocuments(t *testing.T) {
	d := documents()
	info := map[string]string{"v0": `{"tcb_info":` + quoted(tcbInfo) + `}`, "v1": `{"app_compose":"{}"}`}
	for kind, answer := range map[string]string{"GetQuote": d["GetQuote"], "Attest": `{"attestation":"` + attestation + `"}`} {
		for version, info := range info {
			for _, data := range []string{info + answer, answer + "\n" + info, " " + info + "\t" + answer + "\n"} {
				if e, err := evidence.Parse([]byte(data)); err != nil || string(e.AppCompose) != "{}" {
					t.Errorf("%s, Info of %s: %v", kind, version, err)
				}
			}
			for name, of := range map[string]struct{ data, says string }{
				"a key twice in Info":       {`{"x":1,"x":2,` + info[1:] + answer, `the key "x" twice`},
				"a key twice in the answer": {info + `{"x":1,"x":2,` + answer[1:], `the key "x" twice`},
				"two answers":               {answer + answer, "evidence has two documents"},
				"two Infos":                 {info + info, "evidence has two documents"},
				"a third document":          {info + answer + info, "evidence: JSON has something after its end"},
				"a list before":             {"[]" + answer, "evidence: "},
				"a list behind":             {answer + "[]", "evidence: JSON has something after its end"},
				"a record in the answer":    {info + `{"record":"",` + answer[1:], "evidence has two documents"},
				"a quote in Info":           {`{"quote":"0400",` + info[1:] + answer, "evidence has two documents"},
				"an attestation in Info":    {`{"attestation":"",` + info[1:] + answer, "evidence has two documents"},
			} {
				if _, err := evidence.Parse([]byte(of.data)); err == nil || !strings.Contains(err.Error(), of.says) {
					t.Errorf("%s, Info of %s, %s: %v; want %q", kind, version, name, err, of.says)
				}
			}
		}
	}
}

// TestFirstWordCounts: what a document says itself wins over what comes with it.
func TestFirstWordCounts(t *testing.T) {
	e, err := evidence.Parse([]byte(`{"quote":"0400","event_log":"[]","vm_config":"{\"a\":1}","tcb_info":` + quoted(tcbInfo) + `}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := e.SetInfo([]byte(`{"vm_config":"{\"a\":2}","app_compose":"x"}`)); err != nil {
		t.Fatal(err)
	}
	if string(e.VMConfig) != `{"a":1}` || len(e.Log) != 0 || e.Log == nil || string(e.AppCompose) != "x" || e.Claims.MRTD != "01" {
		t.Errorf("vm_config %s, log %v, app-compose %s, MRTD %s", e.VMConfig, e.Log, e.AppCompose, e.Claims.MRTD)
	}
}

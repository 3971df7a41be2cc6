package sim_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlauncher/internal/sim"
	"gitlauncher/internal/sim/fault"
	"gitlauncher/internal/testenv"
	"gitlauncher/measure"
)

// on returns a change that sets a machine's line of dstack.
func on(line sim.Line) func(*sim.Options) { return func(o *sim.Options) { o.Dstack = line } }

// ask makes one request, and returns status and body.
func ask(m *sim.Machine, method, path, body string) (int, string) {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w.Code, strings.TrimSpace(w.Body.String())
}

// TestWords: each line answers what dstack answers, word for word.
func TestWords(t *testing.T) {
	const removed = `{"error":"EmitEvent was removed in dstack 0.6.0; runtime RTMR3 events are system-owned and cannot be extended by apps"}`
	const emit = `{"event":"a","payload":"00"}`
	long := `{"report_data":"` + strings.Repeat("00", 65) + `"}`
	for _, tc := range []struct {
		line               sim.Line
		method, path, body string
		status             int
		want               string // the whole body; a word of it after "~"
	}{
		{sim.V05, "POST", "/EmitEvent", emit, 200, ""},
		{sim.V05, "POST", "/EmitEvent", `{"event":"","payload":"00"}`, 400, `{"error":"an event has a name"}`},
		{sim.V05, "POST", "/EmitEvent", `{"event":"a","payload":"0"}`, 400, `{"error":"the payload is not hex"}`},
		{sim.V05, "POST", "/EmitEvent", `{`, 400, `{"error":"the request is not JSON"}`},
		{sim.V05, "POST", "/EmitEvent", emit + "{}", 400, `{"error":"the request is not JSON"}`},
		{sim.V05, "POST", "/Version", "{}", 200, `~"version":"0.5.15"`},
		{sim.V05, "POST", "/v0/Info", "{}", 404, "~<h1>404: Not Found</h1>"},
		{sim.V05, "POST", "/v1/Version", "{}", 404, "~<h1>404: Not Found</h1>"},
		{sim.V05, "POST", "/AttestGpu", "{}", 404, `{"error":"Service not found: AttestGpu"}`},
		{sim.V05, "POST", "/GetQuote", long, 400, `{"error":"Report data is too long"}`},
		{sim.V05, "POST", "/GetQuote", `{"report_data":7}`, 400, "~report_data is not hex"},

		{sim.V06, "POST", "/EmitEvent", emit, 400, removed},
		{sim.V06, "POST", "/v0/EmitEvent", emit, 400, removed},
		{sim.V06, "POST", "/EmitEvent", `{"event":"","payload":"0"}`, 400, removed},
		{sim.V06, "POST", "/v1/EmitEvent", emit, 404, `{"error":"Service not found: EmitEvent"}`},
		{sim.V06, "POST", "/v1/GetQuote", `{}`, 404, `{"error":"Service not found: GetQuote"}`},
		{sim.V06, "POST", "/v1/Sign", `{}`, 404, `{"error":"Service not found: Sign"}`},
		{sim.V06, "POST", "/Nothing", `{}`, 404, `{"error":"Service not found: Nothing"}`},
		{sim.V06, "POST", "/v2/Info", `{}`, 404, "~<h1>404: Not Found</h1>"},
		{sim.V06, "POST", "/", `{}`, 404, "~<h1>404: Not Found</h1>"},
		{sim.V06, "POST", "/v1/", `{}`, 404, "~<h1>404: Not Found</h1>"},
		{sim.V06, "PUT", "/Info", `{}`, 404, "~<h1>404: Not Found</h1>"},
		{sim.V06, "GET", "/Version", "", 200, `~"version":"0.6.6"`},
		{sim.V06, "GET", "/v1/Version", "", 200, `~"version":"0.6.6"`},
		{sim.V06, "GET", "/GetQuote?report_data=0x0102", "", 200, `~"report_data":"010200`},
		{sim.V06, "POST", "/GetQuote", long, 400, `{"error":"Report data is too long"}`},
		{sim.V06, "POST", "/v1/Attest", long, 400, `{"error":"report data is too long"}`},
		{sim.V06, "POST", "/GetKey", `{}`, 400, `{"error":"the simulator holds no keys of an app"}`},
		{sim.V06, "POST", "/v1/IssueCert", `{}`, 400, `{"error":"the simulator holds no keys of an app"}`},
		{sim.V06, "POST", "/v1/AttestGpu", `{}`, 400, `{"error":"the simulator has no GPU"}`},
	} {
		status, body := ask(start(t, on(tc.line)), tc.method, tc.path, tc.body)
		part, isPart := strings.CutPrefix(tc.want, "~")
		if status != tc.status || !isPart && body != tc.want || isPart && !strings.Contains(body, part) {
			t.Errorf("dstack %s, %s %s %.60s: %d %.200s; want %d %s", tc.line, tc.method, tc.path, tc.body, status, body, tc.status, tc.want)
		}
	}
}

// TestDefaultLine: the zero value is dstack 0.6, as the command's default is.
func TestDefaultLine(t *testing.T) {
	if _, body := ask(start(t, on("")), "POST", "/Version", "{}"); !strings.Contains(body, "0.6.6") {
		t.Error(body)
	}
	if _, err := sim.New(sim.Options{AppCompose: []byte(compose), Dstack: "0.7"}); err == nil || !strings.Contains(err.Error(), `"0.7" is no line of dstack`) {
		t.Errorf("line 0.7: %v", err)
	}
}

// TestEmitRefused: what dstack 0.6 refuses leaves neither log nor register changed.
func TestEmitRefused(t *testing.T) {
	m := start(t, on(sim.V06))
	_, before := ask(m, "POST", "/Info", "{}")
	ask(m, "POST", "/EmitEvent", `{"event":"git-commit","payload":"00"}`)
	if _, after := ask(m, "POST", "/Info", "{}"); after != before {
		t.Error("EmitEvent changed what Info says")
	}
}

// info returns the answer of Info on a path.
func info(t *testing.T, m *sim.Machine, path string) map[string]string {
	t.Helper()
	_, body := ask(m, "POST", path, "{}")
	var v map[string]string
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestInfo: the frozen surface keeps tcb_info; /v1 has the app-compose byte for byte,
// and neither registers nor log.
func TestInfo(t *testing.T) {
	raw := "{ \"name\" : \"odd <&>\",\n \"runner\":\"docker-compose\" }\n"
	m := start(t, func(o *sim.Options) { o.Dstack, o.AppCompose = sim.V06, []byte(raw) })
	v0, v1 := info(t, m, "/v0/Info"), info(t, m, "/v1/Info")
	if d := cmp.Diff(v0, info(t, m, "/Info")); d != "" {
		t.Errorf("/ and /v0 differ: %s", d)
	}
	var tcb map[string]any
	if err := json.Unmarshal([]byte(v0["tcb_info"]), &tcb); err != nil {
		t.Fatal(err)
	}
	if tcb["app_compose"] != raw || v1["app_compose"] != raw {
		t.Errorf("app_compose is %q and %q", tcb["app_compose"], v1["app_compose"])
	}
	for _, key := range []string{"mrtd", "rtmr0", "rtmr3", "event_log", "compose_hash"} {
		if tcb[key] == nil {
			t.Errorf("tcb_info has no %s", key)
		}
	}
	var keys []string
	for key := range v1 {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	want := strings.Fields("app_compose app_id app_name cloud_product cloud_vendor compose_hash device_id instance_id key_provider_info mr_aggregated os_image_hash vm_config")
	if d := cmp.Diff(want, keys); d != "" {
		t.Errorf("fields of /v1/Info: %s", d)
	}
}

// TestRealShapes compares GetQuote of the simulator's 0.6 with a real machine's: the
// same keys, the same events of dstack's, digests and payloads in the same places.
func TestRealShapes(t *testing.T) {
	real := testenv.ReadFixture(t, "dstack-0.6-getquote.json")
	m := start(t, func(o *sim.Options) {
		o.Dstack = sim.V06
		var err error
		if o.KeyProvider, err = sim.ParseKeyProvider("kms"); err != nil {
			t.Fatal(err)
		}
	})
	_, ours := ask(m, "POST", "/GetQuote", `{"report_data":"00"}`)
	if d := cmp.Diff(shape(t, real), shape(t, []byte(ours))); d != "" {
		t.Error(d)
	}
}

// shape returns what is the same in the GetQuote answers of all machines: its keys,
// and, of each event in RTMR3 and each that has a name, the keys, the name and which
// values are empty.
func shape(t *testing.T, answer []byte) []string {
	t.Helper()
	var v map[string]string
	if err := json.Unmarshal(answer, &v); err != nil {
		t.Fatal(err)
	}
	var out []string
	for key := range v {
		out = append(out, key)
	}
	slices.Sort(out)
	var log []map[string]any
	if err := json.Unmarshal([]byte(v["event_log"]), &log); err != nil {
		t.Fatal(err)
	}
	for _, e := range log {
		if e["event"] == "" && e["imr"] != 3.0 {
			continue
		}
		var keys []string
		for key, value := range e {
			if value == "" {
				key += " is empty"
			}
			keys = append(keys, key)
		}
		slices.Sort(keys)
		out = append(out, e["event"].(string)+": "+strings.Join(keys, ", "))
	}
	return out
}

// TestFaults: each fault on each line does what its name says to the launcher's own
// client, and to the register.
func TestFaults(t *testing.T) {
	event := measure.Event{Name: "git-commit", Payload: []byte{1}}
	for _, tc := range []struct {
		fault string
		want  error // nil: the launch recovers
		any   bool  // some error, no matter which
	}{
		{"emit-404", measure.ErrNoEmit, false},
		{"emit-unmounted", measure.ErrNoEmit, false},
		{"emit-400", nil, true},
		{"emit-500", nil, true},
		{"emit-junk", nil, true},
		{"emit-hang", context.DeadlineExceeded, true},
		{"emit-lost-answer", nil, false},
		{"log-without-extend", measure.ErrLogMismatch, false},
		{"info-mismatch", measure.ErrLogMismatch, false},
		{"info-hang", nil, true},
		{"info-junk", nil, true},
		{"info-500", nil, true},
	} {
		t.Run(tc.fault, func(t *testing.T) {
			t.Parallel()
			f, err := fault.Parse(tc.fault + "@1")
			if err != nil {
				t.Fatal(err)
			}
			c := serve(t, start(t, func(o *sim.Options) { o.Faults = []fault.Fault{f} }))
			_, _, err = measure.Emit(t.Context(), c, []measure.Event{event}, noSleep)
			switch {
			case tc.any && err == nil, tc.want != nil && !tc.any && !errors.Is(err, tc.want), tc.want == nil && !tc.any && err != nil:
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestFaultsOf06: dstack 0.6 can go wrong in the same ways, on each of its mounts.
func TestFaultsOf06(t *testing.T) {
	for _, tc := range []struct {
		fault, path string
		status      int
		want        string
	}{
		{"emit-404", "/EmitEvent", 404, "Service not found: EmitEvent"},
		{"emit-unmounted", "/v0/EmitEvent", 404, "<h1>404"},
		{"emit-400", "/EmitEvent", 400, "told to refuse"},
		{"emit-500", "/EmitEvent", 500, "told to fail"},
		{"emit-junk", "/EmitEvent", 418, "junk"},
		{"log-without-extend", "/EmitEvent", 400, "failed to extend RTMR3"},
		{"info-400", "/v1/Info", 400, "told to refuse"},
		{"info-404", "/v0/Info", 404, "Service not found: Info"},
		{"quote-500", "/GetQuote", 500, "told to fail"},
		{"quote-404", "/v1/Attest", 404, "Service not found: Attest"},
	} {
		f, err := fault.Parse(tc.fault)
		if err != nil {
			t.Fatal(err)
		}
		m := start(t, func(o *sim.Options) { o.Dstack, o.Faults = sim.V06, []fault.Fault{f} })
		status, body := ask(m, "POST", tc.path, `{"event":"a","payload":"00"}`)
		if status != tc.status || !strings.Contains(body, tc.want) {
			t.Errorf("%s on %s: %d %s", tc.fault, tc.path, status, body)
		}
	}
	for _, kind := range []string{"log-without-extend", "info-mismatch"} {
		f, err := fault.Parse(kind)
		if err != nil {
			t.Fatal(err)
		}
		m := start(t, func(o *sim.Options) { o.Dstack, o.Faults = sim.V06, []fault.Fault{f} })
		ask(m, "POST", "/EmitEvent", `{"event":"a","payload":"00"}`)
		state, err := serve(t, m).State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if events, err := state.Log.Replay(); err != nil || measure.End(events) == state.RTMR3 {
			t.Errorf("%s: the log replays to the register (%v)", kind, err)
		}
	}
}

// TestFaultNames: a fault that makes no sense is refused.
func TestFaultNames(t *testing.T) {
	for _, s := range []string{"emit-404@0", "emit-404@", "emit-404@x", "nonsense", "", "emit-505", "info-log-without-extend"} {
		if f, err := fault.Parse(s); err == nil {
			t.Errorf("%q is read as %v", s, f)
		}
	}
	same := []fault.Fault{{Kind: "emit-404", From: 2}, {Kind: "log-without-extend", From: 2}}
	if _, err := sim.New(sim.Options{AppCompose: []byte(compose), Faults: same}); err == nil || !strings.Contains(err.Error(), "begin with the same call") {
		t.Errorf("two faults of one call: %v", err)
	}
	different := []fault.Fault{{Kind: "emit-404", From: 1}, {Kind: "info-400", From: 1}}
	if _, err := sim.New(sim.Options{AppCompose: []byte(compose), Faults: different}); err != nil {
		t.Errorf("faults of two calls: %v", err)
	}
}

// TestSeveralFaults: of the faults that have begun, the one that began last counts.
func TestSeveralFaults(t *testing.T) {
	for _, order := range [][]string{{"emit-500@2", "emit-404@3"}, {"emit-404@3", "emit-500@2"}} {
		m := start(t, func(o *sim.Options) {
			for _, s := range order {
				f, err := fault.Parse(s)
				if err != nil {
					t.Fatal(err)
				}
				o.Faults = append(o.Faults, f)
			}
		})
		for i, want := range []int{200, 500, 404, 404} {
			if got, _ := ask(m, "POST", "/EmitEvent", `{"event":"a","payload":""}`); got != want {
				t.Errorf("%v, call %d: %d, want %d", order, i+1, got, want)
			}
		}
	}
}

// TestNotACompose: an app-compose that no VM would boot with is refused.
func TestNotACompose(t *testing.T) {
	for text, want := range map[string]string{
		"not JSON":                 "not a JSON object",
		"[]":                       "not a JSON object",
		`{"event_log_version":3}`:  "event_log_version is 3",
		`{"name":7}`:               "app-compose:",
		`{"key_provider_id":"aa"}`: "a VM would not boot",
	} {
		if _, err := sim.New(sim.Options{AppCompose: []byte(text)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

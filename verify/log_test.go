package verify_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gitlauncher/measure"
	"gitlauncher/verify"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/report"
)

// TestLog: logs that are not the register, or that dstack did not write (C).
// SECURITY.md: E4.
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
		"wrong digest":                   {edit("git-commit", func(e *measure.Entry) { e.Digest = strings.Repeat("0", 96) }), "event log"},
		"another register":               {edit("git-commit", func(e *measure.Entry) { e.IMR = 2 }), "event log"},
		"another type":                   {edit("git-commit", func(e *measure.Entry) { e.EventType = 1 }), "event log"},
		"name changed":                   {edit("git-commit", func(e *measure.Entry) { e.Event = "git-commitment" }), "event log"},
		"colon moved into a name":        {edit("git-commit", func(e *measure.Entry) { e.Event, e.Payload = "git-commit:\x01", e.Payload[2:] }), "event log"},
		"payload not hex":                {edit("git-commit", func(e *measure.Entry) { e.Payload = "zz" }), "event log"},
		"version 3":                      {edit("git-commit", func(e *measure.Entry) { e.Version = 3 }), "event log"},
		"version 2 of a version 1 event": {edit("git-commit", func(e *measure.Entry) { e.Version = 2 }), "event log"},
		"version 1, preimage":            {edit("git-commit", func(e *measure.Entry) { e.Preimage = "00" }), "event log"},
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
		"no entry of RTMR3": {func(v *vm) { v.log = func(measure.Log) measure.Log { return measure.Log{{IMR: 2}} } }, "event log"},
		"none, and a register after reset": {func(v *vm) {
			v.quoted = func(q []byte) []byte { copy(q[48+472:], make([]byte, 48)); return q }
			v.log = func(measure.Log) measure.Log { return measure.Log{{IMR: 2}} }
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
			outcome(t, v.judge(t), 3, "C", tc.find, report.Invalid)
		})
	}
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

// TestPrefixQuote: the quote of “phala cvms attestation” is older than any launch.
// SECURITY.md: E12.
func TestPrefixQuote(t *testing.T) {
	for _, pinned := range []bool{false, true} {
		v := newVM()
		if !pinned {
			v.derived()
		}
		prefixQuote(t, v, pinned)
	}
}

// prefixQuote judges such a quote: it is enough where the launch is pinned.
func prefixQuote(t *testing.T, v *vm, pinned bool) {
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
	e, err = evidence.Parse(doc)
	if err != nil || e.Kind != evidence.KindPhala {
		t.Fatalf("%v, %v", e, err)
	}
	r, code := verify.Judge(t.Context(), e, p), 1
	if pinned {
		code = 0
		outcome(t, r, 0, "E", "launch", report.Pass)
		p.Policy = expecting(t, "LAUNCH=recorded")
		outcome(t, verify.Judge(t.Context(), e, p), 1, "E", "launch", report.Undecided)
	} else {
		outcome(t, r, 1, "E", "launch", report.Undecided)
	}
	outcome(t, r, code, "C", "event log", report.Note)
	outcome(t, r, code, "D", "app-compose", report.Pass)
}

// TestFlood: a log of many events, which anybody with the socket can write, costs
// no more than its length, and its report stays one that can be read.
// SECURITY.md: E8.
func TestFlood(t *testing.T) {
	var events, launches []measure.Event
	for i := range 20_000 {
		events = append(events, measure.Event{Name: fmt.Sprintf("%s%d", strings.Repeat("e", 60), i)})
	}
	for i := range 2000 {
		r := gitRecord()
		r.Commit = fmt.Sprintf("%040x", i)
		launches = append(launches, launchEvents(t, r)...)
	}
	for name, after := range map[string][]measure.Event{"events": events, "launches": launches, "half launches": evens(launches)} {
		v := newVM()
		v.after = append(launchEvents(t, gitRecord()), after...)
		r := v.judge(t)
		data, err := json.Marshal(r.Findings)
		if err != nil || len(r.Findings) > 3000 || len(data) > 1<<20 {
			t.Errorf("%s: %d findings in %d bytes, %v", name, len(r.Findings), len(data), err)
		}
		if code := map[bool]int{true: 0, false: 4}[name == "events"]; r.ExitCode != code {
			t.Errorf("%s: exit code %d", name, r.ExitCode)
		}
	}
}

func evens(events []measure.Event) (out []measure.Event) {
	for i := 0; i < len(events); i += 2 {
		out = append(out, events[i])
	}
	return out
}

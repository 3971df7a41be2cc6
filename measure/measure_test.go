package measure_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gitlauncher/measure"
)

// sha384 returns the digest that coreutils computes, which is not our code.
func sha384(t *testing.T, data string) string {
	t.Helper()
	cmd := exec.Command("sha384sum")
	cmd.Stdin = strings.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out[:96])
}

func TestDigests(t *testing.T) {
	e := measure.Event{Name: "git-commit", Payload: []byte{0, 1, 0xff}}
	if got, want := e.Digest().String(), sha384(t, "\x01\x00\x00\x08:git-commit:\x00\x01\xff"); got != want {
		t.Errorf("version 1: %s, want %s", got, want)
	}
	v2, err := e.DigestV2()
	if err != nil {
		t.Fatal(err)
	}
	if want := sha384(t, `{"name":"git-commit","payload":"0001ff","type":134217729}`); v2.String() != want {
		t.Errorf("version 2: %s, want %s", v2, want)
	}
	if got, want := (measure.Register{}).Extend(e.Digest()).String(), sha384(t, strings.Repeat("\x00", 48)+unhex(t, e.Digest().String())); got != want {
		t.Errorf("extended: %s, want %s", got, want)
	}
}

func unhex(t *testing.T, s string) string {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReplayRefuses(t *testing.T) {
	good := measure.Entry{IMR: 3, EventType: measure.RuntimeEventType, Event: "a", Payload: "00"}
	e := measure.Event{Name: "a", Payload: []byte{0}}
	preimage, _ := e.Preimage()
	change := func(f func(*measure.Entry)) measure.Log {
		bad := good
		f(&bad)
		return measure.Log{good, bad}
	}
	for name, log := range map[string]measure.Log{
		"digest of something else": change(func(e *measure.Entry) { e.Digest = strings.Repeat("0", 96) }),
		"colon in the name":        change(func(e *measure.Entry) { e.Event = "a:b" }),
		"payload that is not hex":  change(func(e *measure.Entry) { e.Payload = "0x" }),
		"other event type":         change(func(e *measure.Entry) { e.EventType = 1 }),
		"version 2, digest of 1": change(func(e *measure.Entry) {
			e.Version, e.Digest = 2, measure.Event{Name: e.Event, Payload: []byte{0}}.Digest().String()
		}),
		"version 2, other preimage": change(func(e *measure.Entry) {
			e.Version, e.Preimage = 2, hex.EncodeToString([]byte(`{"name": "a","payload":"00","type":134217729}`))
		}),
		"version 1 with preimage": change(func(e *measure.Entry) { e.Version, e.Preimage = 1, hex.EncodeToString(preimage) }),
		"version 3":               change(func(e *measure.Entry) { e.Version = 3 }),
	} {
		var le *measure.LogError
		if _, err := log.Replay(); !errors.As(err, &le) || le.Index != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	fine := measure.Log{good, {IMR: 0, Digest: "anything", Event: "x:y"}, {IMR: 3, EventType: measure.RuntimeEventType, Event: "a", Payload: "00", Version: 2, Preimage: hex.EncodeToString(preimage)}}
	events, err := fine.Replay()
	if err != nil || len(events) != 2 || events[1].Index != 2 || events[0].Extended == events[1].Extended {
		t.Errorf("a good log: %v, %v", events, err)
	}
}

func TestGitRecord(t *testing.T) {
	r := measure.GitRecord{Launcher: "v1", ConfigSHA256: "c", RepoURL: "https://h/<&>é\u2028", Commit: "x", Tree: "t", ContentSHA256: "s", Entrypoint: "e\"\\\t", EntrypointSHA256: "h"}
	got, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	want := "{\"commit\":\"x\",\"config_sha256\":\"c\",\"content_sha256\":\"s\",\"entrypoint\":\"e\\\"\\\\\\t\",\"entrypoint_sha256\":\"h\",\"launcher\":\"v1\",\"repo_url\":\"https://h/<&>é\u2028\",\"subdir\":\"\",\"tree\":\"t\",\"v\":\"1\"}"
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
	back, err := measure.ParseGitRecord(got)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&r, back); d != "" {
		t.Error(d)
	}
	advanced := measure.GitRecord{Advanced: true, RunCmd: "run", InstallCmd: ""}
	got, err = advanced.Marshal()
	if err != nil || strings.Contains(string(got), "entrypoint") || !strings.Contains(string(got), `"install_cmd":"","launcher"`) {
		t.Errorf("advanced: %s, %v", got, err)
	}
	if _, err := (&measure.GitRecord{RunCmd: "\xff", Advanced: true}).Marshal(); err == nil {
		t.Error("a value that is not UTF-8 is accepted")
	}
	for _, bad := range []string{
		strings.Replace(want, `"v":"1"`, `"v":"2"`, 1), strings.Replace(want, `,"v"`, `, "v"`, 1), strings.Replace(want, `"tree":"t",`, "", 1),
		strings.Replace(want, `"v":"1"`, `"v":"1","w":""`, 1), strings.Replace(want, `"v":"1"`, `"v":"0","v":"1"`, 1), strings.Replace(want, `"x"`, "1", 1), want + "\n", "", "null", "[]",
	} {
		if _, err := measure.ParseGitRecord([]byte(bad)); err == nil {
			t.Errorf("taken: %s", bad)
		}
	}
}

// TestGitRecordPlaced: a record is of version 2 if, and only if, something was placed beyond
// the tree; and there is one way to write it.
func TestGitRecordPlaced(t *testing.T) {
	r := measure.GitRecord{Advanced: true, Commit: "c", Submodules: []measure.Submodule{{Commit: "11", Path: "lib/é x"}, {Commit: "22", Path: "lib/é x/in"}}}
	const want = `{"commit":"c","config_sha256":"","content_sha256":"","install_cmd":"","launcher":"","lfs_sha256":"","repo_url":"","run_cmd":"","subdir":"","submodules":"11 lib/é x\n22 lib/é x/in","tree":"","v":"2"}`
	lfs := measure.GitRecord{Advanced: true, Commit: "c", LFSSHA256: "ab"}
	for _, c := range []struct {
		record measure.GitRecord
		want   string
	}{
		{r, want},
		{lfs, strings.Replace(strings.Replace(want, `11 lib/é x\n22 lib/é x/in`, "", 1), `"lfs_sha256":""`, `"lfs_sha256":"ab"`, 1)},
	} {
		got, err := c.record.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, string(got)); d != "" {
			t.Error(d)
		}
		back, err := measure.ParseGitRecord(got)
		if d := cmp.Diff(&c.record, back); err != nil || d != "" {
			t.Error(err, d)
		}
	}
	for name, bad := range map[string]string{
		"version 1 with the keys of 2":  strings.Replace(want, `"v":"2"`, `"v":"1"`, 1),
		"version 2 without anything":    strings.Replace(want, `11 lib/é x\n22 lib/é x/in`, "", 1),
		"a line feed at the end":        strings.Replace(want, `x/in`, `x/in\n`, 1),
		"a line without a path":         strings.Replace(want, `22 lib/é x/in`, "22", 1),
		"a line without a commit":       strings.Replace(want, `22 lib/é x/in`, " lib", 1),
		"version 3":                     strings.Replace(want, `"v":"2"`, `"v":"3"`, 1),
		"version 2 without lfs_sha256":  strings.Replace(want, `"lfs_sha256":"",`, "", 1),
		"a carriage return in the path": strings.Replace(want, `x/in`, `x/in\r`, 1),
	} {
		if _, err := measure.ParseGitRecord([]byte(bad)); err == nil || !strings.Contains(err.Error(), "is not the canonical form of version") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []measure.Submodule{{Commit: "11", Path: "a\nb"}, {Commit: "1 1", Path: "a"}, {Commit: "11"}, {Path: "a"}} {
		if _, err := (&measure.GitRecord{Submodules: []measure.Submodule{bad}}).Marshal(); err == nil || !strings.Contains(err.Error(), "has no line of its own") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// TestLFSListing compares the sum with that of coreutils.
func TestLFSListing(t *testing.T) {
	l := measure.NewLFSListing()
	if l.Sum() != "" {
		t.Error("an empty listing has a sum")
	}
	l.Add([32]byte{0xab}, 1<<40, "a b")
	l.Add([32]byte{0xcd}, 0, "c")
	cmd := exec.Command("sha256sum")
	cmd.Stdin = strings.NewReader("ab" + strings.Repeat("0", 62) + " 1099511627776 a b\x00cd" + strings.Repeat("0", 62) + " 0 c\x00")
	want, err := cmd.Output()
	if err != nil || l.Sum() != string(want[:64]) {
		t.Errorf("%s, want %s, %v", l.Sum(), want, err)
	}
}

func TestImageRecord(t *testing.T) {
	r := measure.ImageRecord{Launcher: "v1", Image: "n/i", ApprovedDigest: "sha256:a", Platform: "linux/amd64"}
	got, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := measure.ParseImageRecord(got)
	if d := cmp.Diff(&r, back); d != "" || err != nil {
		t.Error(d, err)
	}
	if _, err := measure.ParseGitRecord(got); err == nil {
		t.Error("an image record is taken for a git record")
	}
}

// agent is a guest agent in memory, which fails as a test asks.
type agent struct {
	log     measure.Log
	reg     measure.Register
	emits   int
	reads   int
	landing func(n int) (log, extend bool, err error) // what the nth Emit does
	shown   func(n int, s measure.State) measure.State
}

func newAgent() *agent {
	a := &agent{landing: func(int) (bool, bool, error) { return true, true, nil }, shown: func(_ int, s measure.State) measure.State { return s }}
	for _, name := range []string{"system-preparing", "git-commit", "system-ready"} { // a forged name before system-ready counts for nothing
		a.put(measure.Event{Name: name, Payload: []byte{7}}, true, true)
	}
	return a
}

func (a *agent) put(e measure.Event, log, extend bool) {
	if log {
		a.log = append(a.log, measure.Entry{IMR: 3, EventType: measure.RuntimeEventType, Event: e.Name, Payload: hex.EncodeToString(e.Payload)})
	}
	if extend {
		a.reg = a.reg.Extend(e.Digest())
	}
}

func (a *agent) State(context.Context) (measure.State, error) {
	a.reads++
	return a.shown(a.reads, measure.State{Log: a.log, RTMR3: a.reg}), nil
}

func (a *agent) Emit(_ context.Context, e measure.Event) error {
	a.emits++
	log, extend, err := a.landing(a.emits)
	a.put(e, log, extend)
	return err
}

func TestEmit(t *testing.T) {
	events := []measure.Event{{Name: "git-commit", Payload: []byte{7}}, {Name: "git-launch", Payload: []byte("r")}}
	boom := errors.New("boom")
	for name, tc := range map[string]struct {
		change func(*agent)
		want   error // nil for success
		some   bool  // any error
		emits  int
	}{
		"all well":            {func(a *agent) {}, nil, false, 2},
		"already there":       {func(a *agent) { a.put(events[0], true, true); a.put(events[1], true, true) }, nil, false, 0},
		"same name only":      {func(a *agent) { a.put(measure.Event{Name: "git-commit", Payload: []byte{8}}, true, true) }, nil, false, 2},
		"landed, answer lost": {func(a *agent) { a.landing = func(int) (bool, bool, error) { return true, true, boom } }, nil, false, 2},
		"fails once": {func(a *agent) {
			a.landing = func(n int) (bool, bool, error) {
				if n == 1 {
					return false, false, boom
				}
				return true, true, nil
			}
		}, nil, false, 3},
		"fails always": {func(a *agent) { a.landing = func(int) (bool, bool, error) { return false, false, boom } }, boom, false, 3},
		"second fails always": {func(a *agent) {
			a.landing = func(n int) (bool, bool, error) { return n == 1, n == 1, map[bool]error{false: boom}[n == 1] }
		}, boom, false, 4},
		"no such call":            {func(a *agent) { a.landing = func(int) (bool, bool, error) { return false, false, measure.ErrNoEmit } }, measure.ErrNoEmit, false, 1},
		"logged, not extended":    {func(a *agent) { a.landing = func(int) (bool, bool, error) { return true, false, boom } }, measure.ErrLogMismatch, false, 1},
		"extended, not logged":    {func(a *agent) { a.landing = func(int) (bool, bool, error) { return false, true, nil } }, measure.ErrLogMismatch, false, 1},
		"says yes, does nothing":  {func(a *agent) { a.landing = func(int) (bool, bool, error) { return false, false, nil } }, nil, true, 2},
		"mismatch from the start": {func(a *agent) { a.reg[0]++ }, measure.ErrLogMismatch, false, 0},
		"mismatch that heals": {func(a *agent) {
			a.shown = func(n int, s measure.State) measure.State {
				if n < 5 {
					s.RTMR3[0]++
				}
				return s
			}
		}, nil, false, 2},
		"still booting": {func(a *agent) { a.log, a.reg = nil, measure.Register{} }, measure.ErrNotReady, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAgent()
			tc.change(a)
			boot, _, err := measure.Emit(context.Background(), a, events, func(context.Context, time.Duration) error { return nil })
			if tc.some != (err != nil && tc.want == nil) || tc.want != nil && !errors.Is(err, tc.want) {
				t.Fatalf("error is %v", err)
			}
			if a.emits != tc.emits {
				t.Errorf("%d times emitted, want %d", a.emits, tc.emits)
			}
			if err != nil {
				return
			}
			if measure.End(boot.Events) != boot.RTMR3 || boot.RTMR3 != a.reg {
				t.Fatal("what is returned does not replay to the register")
			}
			for _, want := range events {
				n := 0
				for _, have := range boot.After {
					if have.Equal(want) {
						n++
					}
				}
				if n != 1 {
					t.Errorf("%s is there %d times", want.Name, n)
				}
			}
		})
	}
}

func TestEmitEndsWithItsContext(t *testing.T) {
	a := newAgent()
	a.reg[0]++
	ended := errors.New("ended")
	_, _, err := measure.Emit(context.Background(), a, nil, func(context.Context, time.Duration) error { return ended })
	if !errors.Is(err, ended) {
		t.Error(err)
	}
}

func TestReceipt(t *testing.T) {
	r := &measure.Receipt{Version: "1", Record: `{"v":"1"}`, Quote: "00", EventLog: "[]", Info: measure.ReceiptInfo{AppID: "a"}}
	data, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := measure.ParseReceipt(data)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, back); d != "" {
		t.Error(d)
	}
	for _, bad := range []string{`{"version":"2"}`, `{"Version":"1"}`, `{"version":"1","version":"1"}`, `{"version":"1"} x`, `[]`} {
		if _, err := measure.ParseReceipt([]byte(bad)); err == nil {
			t.Errorf("taken: %s", bad)
		}
	}
}

// TestReportData: other programs compute the same report data. VERIFY.md has its example.
func TestReportData(t *testing.T) {
	key := measure.KeyHashOf([]byte("key"))
	for script, asked := range map[string]measure.Asked{
		`{ printf 'git-launcher receipt v1\n'; printf n | sha256sum | cut -c1-64 | xxd -r -p; printf rec; } | sha512sum`:                               {Nonce: []byte("n")},
		`{ printf 'git-launcher receipt v2\n'; for of in n key; do printf "$of" | sha256sum | cut -c1-64 | xxd -r -p; done; printf rec; } | sha512sum`: {Nonce: []byte("n"), Key: key},
	} {
		out, err := exec.Command("bash", "-c", script).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := asked.ReportData([]byte("rec")); hex.EncodeToString(got[:]) != string(out[:128]) {
			t.Errorf("report data is %x, want %s", got, out)
		}
	}
	page, err := os.ReadFile("../VERIFY.md")
	if err != nil {
		t.Fatal(err)
	}
	vector := measure.Asked{Nonce: bytes.Repeat([]byte{0xab}, 32), Key: key}.ReportData([]byte(`{"v":"1"}`))
	if row := "| `" + hex.EncodeToString(vector[:]) + "` |"; !strings.Contains(string(page), row) {
		t.Errorf("VERIFY.md has no %s", row)
	}
}

func FuzzParseLog(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		log, err := measure.ParseLog(data)
		if err != nil {
			return
		}
		events, err := log.Replay()
		if err != nil {
			return
		}
		for _, e := range events {
			if strings.Contains(e.Name, ":") || log[e.Index].IMR != 3 {
				t.Fatalf("%+v", e)
			}
		}
		again, _ := json.Marshal(log)
		if second, err := measure.ParseLog(again); err != nil || fmt.Sprint(second) != fmt.Sprint(log) {
			t.Fatalf("written again it reads otherwise: %v", err)
		}
	})
}

func FuzzParseRecords(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := measure.ParseGitRecord(data); err == nil {
			if again, err := r.Marshal(); err != nil || string(again) != string(data) {
				t.Fatalf("%q is taken and written as %q", data, again)
			}
		}
		if r, err := measure.ParseImageRecord(data); err == nil {
			if again, err := r.Marshal(); err != nil || string(again) != string(data) {
				t.Fatalf("%q is taken and written as %q", data, again)
			}
		}
	})
}

func FuzzParseReceipt(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := measure.ParseReceipt(data); err == nil && r.Version != (measure.Asked{Key: r.Key}).Version() {
			t.Fatal("another version is taken")
		}
	})
}

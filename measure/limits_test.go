package measure_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"gitlauncher/measure"
)

// says fails unless the error's text contains want. For an empty want there must be no
// error.
func says(t *testing.T, name string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", name, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: %v; that is not %q", name, err, want)
	}
}

// TestLimits: the largest record, log and receipt are read, and not a byte more.
func TestLimits(t *testing.T) {
	padded := func(text string, size int) []byte {
		return append([]byte(text), bytes.Repeat([]byte{' '}, size-len(text))...)
	}
	empty, err := (&measure.GitRecord{Advanced: true}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	record := func(size int) error {
		data, err := (&measure.GitRecord{Advanced: true, RunCmd: strings.Repeat("x", size-len(empty))}).Marshal()
		if err != nil || len(data) != size {
			t.Fatalf("%d bytes, %v", len(data), err)
		}
		_, err = measure.ParseGitRecord(data)
		return err
	}
	log := func(size int) error { _, err := measure.ParseLog(padded("[]", size)); return err }
	receipt := func(size int) error { _, err := measure.ParseReceipt(padded(`{"version":"1"}`, size)); return err }
	for _, c := range []struct {
		what  string
		parse func(size int) error
		limit int
		says  string
	}{
		{"record", record, 256 << 10, "launch record is larger than 256 KiB"},
		{"log", log, 16 << 20, "event log is larger than 16 MiB"},
		{"receipt", receipt, 64 << 20, "receipt is larger than 64 MiB"},
	} {
		says(t, c.what+" below", c.parse(c.limit-1), "")
		says(t, c.what+" at its limit", c.parse(c.limit), "")
		says(t, c.what+" above", c.parse(c.limit+1), c.says)
	}
}

// TestEveryCharacter: a record escapes each character as RFC 8785 requires.
func TestEveryCharacter(t *testing.T) {
	for c := rune(0); c < 0x180; c++ {
		var want bytes.Buffer
		enc := json.NewEncoder(&want) // which agrees with the RFC up to U+2028
		enc.SetEscapeHTML(false)
		if err := enc.Encode("a" + string(c) + "b"); err != nil {
			t.Fatal(err)
		}
		got, err := (&measure.GitRecord{Advanced: true, RunCmd: "a" + string(c) + "b"}).Marshal()
		if err != nil || !bytes.Contains(got, append([]byte(`"run_cmd":`), bytes.TrimSpace(want.Bytes())...)) {
			t.Errorf("%U: %s, %v", c, got, err)
			continue
		}
		if _, err := measure.ParseGitRecord(got); err != nil {
			t.Errorf("%U: %v", c, err)
		}
	}
}

// TestRecordsRefused: JSON that says the same as a record in another form is refused.
func TestRecordsRefused(t *testing.T) {
	good, err := (&measure.GitRecord{RunCmd: "a b", Advanced: true}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	image, err := (&measure.ImageRecord{Image: "a/b"}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	const form, object = "launch record is not the canonical form of version 1 with exactly the keys", "launch record is not a JSON object of strings"
	for _, c := range []struct {
		name, from, to, says string
	}{
		{"unchanged", "", "", ""},
		{"a blank between", `":"`, `": "`, form},
		{"a blank before", "{", " {", form},
		{"a newline behind", "}", "}\n", form},
		{"a blank escaped", "a b", `a\u0020b`, form},
		{"a key more", `"v"`, `"u":"","v"`, form},
		{"a key twice", `"v":"1"`, `"v":"1","v":"1"`, form},
		{"another version", `"v":"1"`, `"v":"2"`, form},
		{"a number", `"v":"1"`, `"v":1`, object},
		{"half of it", "}", "", object},
		{"not UTF-8", "a b", "a\xffb", form},
	} {
		r, err := measure.ParseGitRecord([]byte(strings.Replace(string(good), c.from, c.to, 1)))
		if (r == nil) != (err != nil) {
			t.Errorf("%s: %+v, %v", c.name, r, err)
		}
		says(t, c.name, err, c.says)
		if c.from == "a b" {
			continue
		}
		_, err = measure.ParseImageRecord([]byte(strings.Replace(string(image), c.from, c.to, 1)))
		says(t, c.name+", image", err, c.says)
	}
}

// TestNoEventsOfTheRegister: a log without an entry for RTMR3 replays to a register after
// reset, and to no other. A machine with such a register is still booting.
func TestNoEventsOfTheRegister(t *testing.T) {
	log := measure.Log{{IMR: 0, Digest: strings.Repeat("ab", 48)}}
	if _, err := (measure.State{Log: log}).Boot(); !errors.Is(err, measure.ErrNotReady) {
		t.Errorf("a register after reset: %v", err)
	}
	if _, err := (measure.State{Log: log, RTMR3: measure.Register{1}}).Boot(); !errors.Is(err, measure.ErrLogMismatch) {
		t.Errorf("another register: %v", err)
	}
}

// TestRegisters: a register is 96 hexadecimal digits.
func TestRegisters(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{strings.Repeat("ab", 48), ""},
		{strings.Repeat("AB", 48), ""},
		{strings.Repeat("ab", 47), "a register has 96 hexadecimal digits, not 94"},
		{strings.Repeat("ab", 49), "a register has 96 hexadecimal digits, not 98"},
		{"x" + strings.Repeat("a", 95), "register: "},
	} {
		r, err := measure.ParseRegister(c.text)
		says(t, c.text, err, c.says)
		if err != nil && r != (measure.Register{}) {
			t.Errorf("%s: an error and the register %s", c.text, r)
		}
	}
}

// TestNamesOfEvents: a name that is not UTF-8 has no digest of version 2.
func TestNamesOfEvents(t *testing.T) {
	e := measure.Event{Name: "a\xff"}
	if p, err := e.Preimage(); p != nil || err == nil || !strings.Contains(err.Error(), "event name: is not valid UTF-8") {
		t.Errorf("%q, %v", p, err)
	}
	if d, err := e.DigestV2(); d != (measure.Register{}) || err == nil {
		t.Errorf("%s, %v", d, err)
	}
}

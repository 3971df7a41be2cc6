package verify_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"gitlauncher/verify/evidence"
)

// TestSpellings: evidence in another spelling is taken, or refused by words that name the
// spelling.
func TestSpellings(t *testing.T) {
	e, _ := newVM().evidence(t)
	answer := func(log any) []byte {
		data, err := json.Marshal(map[string]any{"quote": e.Quote, "event_log": log})
		if err != nil {
			t.Fatal(err)
		}
		return []byte(strings.Replace(string(data), `"quote":"`+base64.StdEncoding.EncodeToString(e.Quote), `"quote":"`+hex.EncodeToString(e.Quote), 1))
	}
	text, err := json.Marshal(e.Log)
	if err != nil {
		t.Fatal(err)
	}
	for name, log := range map[string]any{"a log as a string": string(text), "a log as a list": e.Log} {
		got, err := evidence.Parse(answer(log))
		if err != nil || len(got.Log) != len(e.Log) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for words, data := range map[string]string{
		"byte-order mark": "\xef\xbb\xbf{}",
		"UTF-16":          "\xff\xfe{\x00}\x00",
		"is in UTF-16;":   "\xfe\xff\x00{\x00}",
	} {
		if _, err := evidence.Parse([]byte(data)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v", words, err)
		}
	}
	if err := new(evidence.Evidence).SetQuote([]byte(base64.StdEncoding.EncodeToString(e.Quote))); err == nil || !strings.Contains(err.Error(), "is in base64") {
		t.Errorf("a quote in base64: %v", err)
	}
}

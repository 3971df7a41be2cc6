package strictjson_test

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"gitlauncher/internal/strictjson"
)

type inner struct {
	Deep string `json:"deep"`
}

type outer struct {
	inner
	Name  string            `json:"name"`
	List  []inner           `json:"list"`
	Map   map[string]inner  `json:"map"`
	Raw   json.RawMessage   `json:"raw"`
	Ptr   *inner            `json:"ptr"`
	Plain map[string]string `json:"plain"`
}

func TestUnmarshal(t *testing.T) {
	var v outer
	err := strictjson.Unmarshal([]byte(`{"name":"n","list":[{"deep":"d"}],"map":{"k":{"deep":"e"}},"raw":{"A":1,"a":2},"ptr":{"deep":"p"},"plain":{"x":"1","X":"2"},"unknown":1,"deep":"o"}`), &v)
	if err != nil || v.Name != "n" || v.List[0].Deep != "d" || v.Map["k"].Deep != "e" || v.Ptr.Deep != "p" || v.Deep != "o" {
		t.Errorf("%+v, %v", v, err)
	}
	for name, bad := range map[string]string{
		"duplicate":               `{"name":"a","name":"b"}`,
		"duplicate below":         `{"raw":[{"x":1,"x":1}]}`,
		"duplicate by escape":     `{"name":"a","\u006eame":"b"}`,
		"case":                    `{"Name":"a"}`,
		"case in a list":          `{"list":[{"DEEP":"a"}]}`,
		"case in a map's value":   `{"map":{"k":{"Deep":"a"}}}`,
		"case behind a pointer":   `{"ptr":{"Deep":"a"}}`,
		"case of an embedded one": `{"DEEP":"a"}`,
		"case by folding":         "{\"li\u017ft\":[]}",
		"something after":         `{} {}`,
		"cut off":                 `{"name":`,
		"cut off list":            `[1`,
		"nothing":                 ``,
		"not UTF-8":               "{\"name\":\"\xff\"}",
		"half before another":     `{"name":"\ud83d\ud83d\ude00"}`,
		"a low half":              `{"name":"\ude00"}`,
		"half a pair in a key":    `{"\uD83Dx":"a"}`,
		"too deep":                strings.Repeat("[", 100) + strings.Repeat("]", 100),
		"a key twice among many":  "{" + numbered(20) + `,"k19":0}`,
		"an early key twice":      "{" + numbered(20) + `,"k3":0}`,
		"half a pair":             `{"name":"\ud800"}`,
		"the other half":          `{"name":"\udc00x"}`,
		"halves in disorder":      `{"name":"\udc00\ud800"}`,
		"half in a key":           `{"\ud800":"x"}`,
		"half, and no escape":     `{"name":"\ud800\n"}`,
		"half, and another":       `{"name":"\ud800\ud800"}`,
		"half in what is unread":  `{"unknown":["\ud800"]}`,
		"a list too long":         `{"list":[` + strings.Repeat("{},", 65_536) + `{}]}`,
		"a kept list too long":    `{"raw":[` + strings.Repeat("0,", 1<<20) + `0]}`,
		"too many keys":           `{"plain":{` + numbered(10_001) + `}}`,
		"trailing comma":          `{"name":"a",}`,
		"not a key":               `{1:2}`,
	} {
		var v outer
		if err := strictjson.Unmarshal([]byte(bad), &v); err == nil {
			t.Errorf("%s is taken: %s", name, bad)
		}
	}
}

// TestDepth: 64 levels are read, and 65 refused by name.
func TestDepth(t *testing.T) {
	nested := func(n int) []byte { return []byte(strings.Repeat("[", n) + "0" + strings.Repeat("]", n)) }
	var v any
	for _, n := range []int{1, 63, 64} {
		if err := strictjson.Unmarshal(nested(n), &v); err != nil {
			t.Errorf("%d levels: %v", n, err)
		}
	}
	if err := strictjson.Unmarshal(nested(65), &v); err == nil || !strings.Contains(err.Error(), "64 levels") {
		t.Errorf("65 levels: %v", err)
	}
}

// TestPairs: whole surrogate pairs are read, and so is what only looks like half of
// one.
func TestPairs(t *testing.T) {
	for text, want := range map[string]string{`"\ud83d\ude00"`: "\U0001F600", `"\\ud83d"`: `\ud83d`, `"\\\u0041"`: `\A`, `"\u00e9\n"`: "é\n"} {
		var s string
		if err := strictjson.Unmarshal([]byte(text), &s); err != nil || s != want {
			t.Errorf("%s is %q, %v", text, s, err)
		}
	}
}

// numbered returns n members of an object, with distinct keys.
func numbered(n int) string {
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf(`"k%d":0`, i)
	}
	return strings.Join(members, ",")
}

// TestTaken: what is odd but has only one reading is taken.
func TestTaken(t *testing.T) {
	for name, good := range map[string]string{
		"a pair":                    `{"name":"\ud83d\ude00"}`,
		"an escaped backslash":      `{"name":"\\ud800"}`,
		"blanks":                    " {\n\t\"list\" :\r [ ] , \"raw\" : [ 1 , -2.5e3 , true , null , \"x\" , { } ] } ",
		"many keys":                 `{"unknown":{` + numbered(10_000) + `}}`,
		"a long list of nobody's":   `{"unknown":[` + strings.Repeat("{},", 70_000) + `{}]}`,
		"a kept list at its limit":  `{"raw":[` + strings.Repeat("0,", 1<<20-1) + `0]}`,
		"a list as long as allowed": `{"list":[` + strings.Repeat("{},", 65_535) + `{}]}`,
	} {
		var v outer
		if err := strictjson.Unmarshal([]byte(good), &v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCostsNothing: what is refused, or decoded into nothing, costs no memory.
// SECURITY.md: E8.
func TestCostsNothing(t *testing.T) {
	for name, doc := range map[string]string{
		"a list too long":    `{"list":[` + strings.Repeat("{},", 5<<20) + `{}]}`,
		"nobody's list":      `{"unknown":[` + strings.Repeat("{},", 5<<20) + `{}]}`,
		"a key twice at end": `{"unknown":[` + strings.Repeat(`"aaaaaaaaaaaaaaa",`, 1<<20) + `0],"x":0,"x":0}`,
	} {
		data := []byte(doc)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var v outer
		_ = strictjson.Unmarshal(data, &v)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 {
			t.Errorf("%s: %d bytes were allocated for %d", name, got, len(data))
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		var v outer
		if strictjson.Unmarshal(data, &v) == nil && !json.Valid(data) {
			t.Fatal("invalid JSON is taken")
		}
	})
}

// TestBytes: bytes are hex or numbers, and null is not zero.
func TestBytes(t *testing.T) {
	for text, want := range map[string]string{`"0x0aff"`: "\n\xff", `"0aff"`: "\n\xff", `[10, 255]`: "\n\xff", `[]`: "", `""`: ""} {
		var b strictjson.Bytes
		if err := strictjson.Unmarshal([]byte(text), &b); err != nil || string(b) != want {
			t.Errorf("%s is %q, %v", text, b, err)
		}
	}
	for _, text := range []string{`[null, 4]`, `[256]`, `[-1]`, `[1.5]`, `["a"]`, `"zz"`, `"0"`, `4`, `{}`} {
		var b strictjson.Bytes
		if err := strictjson.Unmarshal([]byte(text), &b); err == nil {
			t.Errorf("%s is taken as %q", text, b)
		}
	}
}

package strictyaml_test

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"gitlauncher/internal/strictyaml"
)

// TestTakes: what compose files have is read as these values.
func TestTakes(t *testing.T) {
	for text, want := range map[string]map[string]any{
		"a: b":                               {"a": "b"},
		"--- # c\na: b":                      {"a": "b"},
		"---\n# c\na: b # c\n...\n# end\n\n": {"a": "b"},
		"# first\n---\na: b\r\nc: d\r\n":     {"a": "b", "c": "d"},
		"{a: [1, 2.5, true, null, ~, 'x', \"y\\n\"], \"b\":c}":  {"a": []any{1, 2.5, true, nil, nil, "x", "y\n"}, "b": "c"},
		"a: |\n  x\n   y\n\n  !z: [1]\nb: >-\n  c\n  d\n":       {"a": "x\n y\n\n!z: [1]\n", "b": "c d"},
		"a: |+\n  x\n\nb: |2-\n    y\n":                         {"a": "x\n\n", "b": "  y"},
		"a: 017\nb: 0o17\nc: 0x1f\nd: 1_000\ne: yes\nf: 1:20":   {"a": 15, "b": 15, "c": 31, "d": 1000, "e": "yes", "f": "1:20"},
		"x-a: &a_B-1 {k: 1, l: 2}\nb:\n  <<: *a_B-1\n  k: 3\n":  {"x-a": map[string]any{"k": 1, "l": 2}, "b": map[string]any{"k": 3, "l": 2}},
		"a: &a {k: 1}\nb: &b {k: 2, m: 3}\nc: {<<: [*a, *b]}":   {"a": map[string]any{"k": 1}, "b": map[string]any{"k": 2, "m": 3}, "c": map[string]any{"k": 1, "m": 3}},
		"a: &a\n  - x\nb: *a\nc: &c # why\n  # and\n  d: e\n":   {"a": []any{"x"}, "b": []any{"x"}, "c": map[string]any{"d": "e"}},
		"a: ! b"[:3] + "\nb: a!b\nc: \"! x\"\nd: 'it''s'\né: ü": {"a": nil, "b": "a!b", "c": "! x", "d": "it's", "é": "ü"},
		"a:\n- b\n- - c\n  - d\n- e: f\n  g:\n":                 {"a": []any{"b", []any{"c", "d"}, map[string]any{"e": "f", "g": nil}}},
		"? a\n: b\n":                                            {"a": "b"},
	} {
		got, err := strictyaml.Decode([]byte(text))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
}

// TestRefuses: each construct that readers read differently is refused, with its line
// and reason.
// SECURITY.md: E6.
func TestRefuses(t *testing.T) {
	for _, tc := range []struct {
		text   string
		line   int
		reason string
	}{
		{"", 0, "empty"}, {"# nothing", 0, "empty"}, {"[a]", 0, "not a mapping"}, {"a", 0, "not a mapping"}, {"a: [", 0, "yaml"},
		{"a: 1\n--- \nb: 2", 2, "second document"}, {"a: 1\n---\n", 2, "second document"}, {"---\n---\na: 1", 2, "second document"},
		{"a: 1\n...\nb: 2", 3, "after its end"}, {"a: 1\n...\n---\nb: 2", 3, "after its end"},
		{"--- {a: 1}", 1, "after"}, {"--- a: 1", 1, "after"}, {"--- !\na: 1", 1, "after"}, {"--- |\n a", 1, "after"}, {"... x\na: 1", 0, ""},
		{"%YAML 1.1\n---\na: 1", 1, "directive"}, {"%TAG ! x\n---\na: 1", 1, "directive"}, {"a: 'x\n%y'", 2, "directive"},
		{"\ufeffa: 1", 1, "U+FEFF"}, {"a: 1\nb: \"\ufeff\"", 2, "U+FEFF"}, {"a: 1\rb: 2", 1, "U+000D"}, {"a: 1\u0085b: 2", 1, "U+0085"},
		{"a: 'x\u2028y'", 1, "U+2028"}, {"a: 'x\u2029y'", 1, "U+2029"}, {"a: \x00", 1, "U+0000"}, {"a: \x1b", 1, "U+001B"}, {"a: \x7f", 1, "U+007F"},
		{"a: \xff", 0, "UTF-8"}, {"\xff\xfea\x00", 0, "UTF-8"},

		{"!!map {a: 1}", 1, "tag"}, {"a: !!str 1", 1, "tag"}, {"a: !x 1", 1, "tag"}, {"a: !!binary YQ==", 1, "tag"}, {"a: ! 1", 1, "tag"}, {"a: !\nb: 1", 1, "tag"},
		{"a: &x ! 1", 1, "tag"}, {"a: ! &x 1", 1, "tag"}, {"a: &x # c\n  ! \n  b: 1", 1, "tag"}, {"a: !!null", 1, "tag"}, {"---\n!\na: 1", 2, "tag"},
		{"a:\n- !reset b", 2, "tag"}, {"a: !override {b: 1}", 1, "tag"}, {"a: [1, ! 2]", 1, "tag"}, {"a: ! [1]", 1, "tag"}, {"a: ! {b: 1}", 1, "tag"}, {"a: ! |\n  x", 1, "tag"}, {"a: ! 'x'", 1, "tag"},
		{"a: !<tag:yaml.org,2002:str> 1", 1, "tag"}, {"é: 'ü' \nb: ! 1", 2, "tag"}, {"? ! a\n: 1", 1, "tag"}, {"! a: 1", 1, "tag"},

		{"a:\n  !!merge b: {c: 1}", 2, "tag"}, {"a:\n  !!merge <<: {c: 1}", 2, "tag"}, {"a: &a {k: 1}\nb:\n  ! <<: *a", 3, "tag"}, {"a: &a {k: 1}\nb:\n  \"<<\": *a", 3, "<<"}, {"a: &a {k: 1}\nb:\n  '<<': *a", 3, "<<"},
		{"a: &a {k: 1}\nb:\n  <<: *a\n  <<: *a", 4, "line 3 has"}, {"b:\n  <<: 1", 2, "merges something other"}, {"b: {<<: [1]}", 1, "merges something other"}, {"a: &a [1]\nb: {<<: *a}", 2, "merges something other"}, {"a: &a {}\nb: {<<: [[*a]]}", 2, "merges something other"},
		{"a: <<", 1, "merges nothing"}, {"a: [<<]", 1, "merges nothing"}, {"a:\n  &x <<: {b: 1}", 2, "anchor"}, {"a: &m <<\nb: {*m : {c: 1}}", 1, "merges nothing"}, {"? |-\n  <<\n: {a: 1}", 1, "<<"},

		{"a: 1\nb: 2\n\"a\": 3", 3, "line 1 has"}, {"a: 1\n\"\\x61\": 3", 2, "line 1 has"}, {"{a: 1, a: 1}", 1, "line 1 has"},
		{"1: a", 1, "not a string"}, {"true: a", 1, "not a string"}, {"~: a", 1, "not a string"}, {": a", 0, "yaml"}, {"{: a}", 0, "yaml"}, {"1.5: a", 1, "not a string"}, {"2001-01-01: a", 1, "not a string"}, {"? [a]\n: b", 1, "not a string"}, {"? {a: b}\n: c", 1, "not a string"}, {"{[a]: b}", 1, "not a string"},
		{"a: &a k\n*a : b", 2, "alias for a key"}, {"&a a: b", 1, "anchor on a key"},
		{"a: &é 1", 0, "anchor"}, {"a: &a.b 1", 0, "older versions"}, {"a: &a:b 1", 1, "part of the name"}, {"a: &a 1\nb: [*a:b]", 2, "begins with"}, {"a: &a?b 1", 1, "two different things"}, {"a: &a%b 1", 0, "older versions"}, {"a: &a@b 1", 0, "older versions"}, {"a: &a {}\nb: {c: *a?}", 0, "unknown anchor"}, {"a: &a 1\nb: &a 2", 2, "second time"}, {"a: &a {b: *a}", 1, "within itself"}, {"a: &a [1, {b: [*a]}]", 1, "within itself"}, {"a: *b", 0, "anchor"},

		{"a: 2001-01-01", 1, "date"}, {"a: 2001-01-01T00:00:00Z", 1, "date"}, {"a: .inf", 1, "exactly"}, {"a: -.INF", 1, "exactly"}, {"a: .nan", 1, "exactly"}, {"a: -0", 1, "two different things"},
		{"a: 9007199254740993", 1, "exactly"}, {"a: 18446744073709551615", 1, "exactly"}, {"a: -9223372036854775808", 1, "exactly"}, {"a: 0x20000000000000", 1, "exactly"},
		{"a: " + strings.Repeat("[", 100) + strings.Repeat("]", 100), 1, "levels deep"}, {strings.Repeat("#", strictyaml.MaxSize+1), 0, "256 KiB"},
	} {
		value, err := strictyaml.Decode([]byte(tc.text))
		var refusal *strictyaml.Error
		if !errors.As(err, &refusal) {
			t.Errorf("%.60q is %v, %v", tc.text, value, err)
			continue
		}
		if tc.line > 0 && refusal.Line != tc.line || !strings.Contains(refusal.Reason, tc.reason) {
			t.Errorf("%.60q is refused in line %d: %s; want line %d, %q", tc.text, refusal.Line, refusal.Reason, tc.line, tc.reason)
		}
		if tc.line > 0 && !strings.HasPrefix(err.Error(), fmt.Sprintf("line %d: ", tc.line)) {
			t.Errorf("%.60q: the error is %q", tc.text, err)
		}
	}
}

// hostile returns documents of the largest size that cost most to read.
func hostile() map[string]string {
	fill := func(unit string) string { return strings.Repeat(unit, strictyaml.MaxSize/len(unit)) }
	bomb := "x-a: &a [x]\n"
	for c := 'b'; c < 'z'; c++ {
		bomb += fmt.Sprintf("x-%c: &%c [%s*%c]\n", c, c, strings.Repeat(fmt.Sprintf("*%c, ", c-1), 8), c-1)
	}
	anchors, keys, merges := "", "", "m: &m {"+strings.Repeat("a", 400)+": 1}\n"
	for i := range 12_000 {
		anchors += fmt.Sprintf("a%d: &a%d x\n", i, i)
		keys += fmt.Sprintf("k%d: x\n", i)
		merges += fmt.Sprintf("m%d: {<<: *m}\n", i)
	}
	return map[string]string{
		"brackets":       fill("["),
		"braces":         fill("{"),
		"pairs":          "a: " + fill("[]"),
		"dashes":         fill("- "),
		"dashes deeper":  "a:\n" + fill("- "),
		"commas":         "a: [" + fill("x,"),
		"empty keys":     "a: {" + fill(":,"),
		"colons":         fill("a: "),
		"questions":      fill("? "),
		"lines":          fill("\n"),
		"comments":       "a: x\n" + fill("#\n"),
		"long comment":   "a: x\n#" + fill("x"),
		"comment blocks": "a:\n" + fill("# c\n\n- x\n")[:strictyaml.MaxSize-3],
		"quotes":         "a: \"" + fill("\\x41"),
		"plain lines":    "a: x\n" + fill(" y\n")[:strictyaml.MaxSize-6],
		"literal":        "a: |\n" + fill(" x\n")[:strictyaml.MaxSize-6],
		"folded":         "a: >\n" + fill(" x\n\n")[:strictyaml.MaxSize-6],
		"anchors":        anchors,
		"keys":           keys,
		"merges":         merges,
		"bomb":           bomb,
		"long scalars":   "a: &a " + strings.Repeat("x", 100_000) + "\nb: [" + strings.Repeat("*a, ", 10_000) + "]",
		"flow in lines":  "a: [" + fill("x\n"),
		"tags":           fill("!a "),
		"aliases":        "a: &a x\nb: [" + fill("*a,"),
		"words":          fill("x "),
		"full list":      "a: [" + strings.Repeat("x,", 32_000) + "]",
		"full lists":     "a: [" + strings.Repeat("[],", 16_000) + "]",
		"full pairs":     "a: [" + strings.Repeat("x: ,", 16_000) + "]",
		"full lines":     "a:\n" + strings.Repeat("- x: y\n", 16_000),
		"full mappings":  strings.Repeat("x", 100) + ":\n" + strings.Repeat("- x\n", 32_000),
		"tabs":           "a:" + fill("\t"),
		"escapes in key": "{\"" + fill("\\u00e9"),
	}
}

// TestBounds: the bytes that reading may allocate. BenchmarkHostile has the times.
func TestBounds(t *testing.T) {
	for name, text := range hostile() {
		data := []byte(text[:min(len(text), strictyaml.MaxSize)])
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = strictyaml.Decode(data)
		runtime.ReadMemStats(&after)
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 48 {
			t.Errorf("%s: %d MiB", name, mb)
		}
	}
}

func BenchmarkHostile(b *testing.B) {
	for name, text := range hostile() {
		data := []byte(text[:min(len(text), strictyaml.MaxSize)])
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = strictyaml.Decode(data)
			}
		})
	}
}

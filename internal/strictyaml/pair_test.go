package strictyaml_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
	yaml3 "gopkg.in/yaml.v3"

	"gitlauncher/internal/strictyaml"
)

// FuzzPair compares the two readers: what Decode takes is the same to both, read as
// Compose reads it, and is still the same once it is written as JSON, which leaves
// readers no choice.
// SECURITY.md: E6.
func FuzzPair(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		value, err := strictyaml.Decode(data)
		if err != nil {
			if value != nil {
				t.Fatal("a refused document has a value")
			}
			return
		}
		var older, newer any
		if err := yaml3.Unmarshal(data, &older); err != nil {
			t.Fatalf("yaml.v3 refuses it: %v", err)
		}
		if err := yaml.Unmarshal(data, &newer); err != nil {
			t.Fatalf("yaml v4 refuses it: %v", err)
		}
		if !reflect.DeepEqual(older, any(value)) || !reflect.DeepEqual(newer, any(value)) {
			t.Fatalf("%v, to yaml.v3 %v, to yaml v4 %v", value, older, newer)
		}
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(value); err != nil {
			t.Fatalf("is no JSON: %v", err)
		}
		if text.Len() > strictyaml.MaxSize || hasLongNumber(text.Bytes()) || hasOddCharacter(text.String()) {
			return
		}
		again, err := strictyaml.Decode(text.Bytes())
		if err != nil {
			t.Fatalf("as JSON, %s, it is refused: %v", text.Bytes(), err)
		}
		if !reflect.DeepEqual(plain(again), plain(value)) {
			t.Fatalf("as JSON it is %v, not %v", again, value)
		}
	})
}

// hasOddCharacter reports whether JSON has a character that a document may have only as
// an escape.
func hasOddCharacter(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return r >= 0x7f && r < 0xa0 || strings.ContainsRune("\u2028\u2029\ufeff\ufffe\uffff", r)
	})
}

// hasLongNumber reports whether JSON may have a float that YAML reads as a string
// or an inexact integer.
func hasLongNumber(data []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		if n, ok := token.(json.Number); ok && len(n) > 15 {
			return true
		}
	}
}

// plain makes every number a float: 1.0 is 1 in JSON.
func plain(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case []any:
		out := make([]any, 0, len(v))
		for _, e := range v {
			out = append(out, plain(e))
		}
		return out
	case map[string]any:
		out := make(map[string]any)
		for key, e := range v {
			out[key] = plain(e)
		}
		return out
	}
	return v
}

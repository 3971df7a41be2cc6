// Package strictjson decodes JSON without the latitude of encoding/json, which
// takes a key in another case for the field of that name, lets a later duplicate
// overwrite an earlier key, and replaces bytes that are not UTF-8. Where two
// readers of one document must agree on what it says (an event log, a compose),
// each of these is a way to make them disagree.
//
// Unknown keys are left to the caller: other people's formats grow.
package strictjson

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds nesting; no document read here comes near it.
const maxDepth = 64

// Unmarshal decodes exactly one JSON value into v. It refuses duplicate keys,
// keys that differ from a field of v in case alone, invalid UTF-8, halves of
// surrogate pairs, nesting beyond 64 levels and anything after the value.
func Unmarshal(data []byte, v any) error {
	if !utf8.Valid(data) {
		return fmt.Errorf("JSON is not valid UTF-8")
	}
	if halfPair(data) {
		return fmt.Errorf("JSON has half of a surrogate pair, which readers replace or refuse")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := check(dec, reflect.TypeOf(v), 0); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("JSON has something after its end")
	}
	return json.Unmarshal(data, v)
}

// halfPair reports whether a \u escape of a surrogate stands without the other half of
// its pair. encoding/json and jq make U+FFFD of one, and serde refuses it.
func halfPair(data []byte) bool {
	unit := func(at int) (rune, bool) { // of an escape at that place
		if at+6 > len(data) || data[at] != '\\' || data[at+1] != 'u' {
			return 0, false
		}
		v, err := strconv.ParseUint(string(data[at+2:at+6]), 16, 32)
		return rune(v), err == nil
	}
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		r, is := unit(i)
		switch {
		case !is:
			i++ // an escape of one character, which may be a backslash
		case utf16.IsSurrogate(r):
			low, is := unit(i + 6)
			if !is || utf16.DecodeRune(r, low) == utf8.RuneError {
				return true
			}
			i += 11
		default:
			i += 5
		}
	}
	return false
}

// check reads one value, alongside the type that it is for where that is known.
func check(dec *json.Decoder, t reflect.Type, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("JSON is nested more than %d levels deep", maxDepth)
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	tok, err := dec.Token()
	if err != nil {
		return fmt.Errorf("JSON: %w", noEOF(err))
	}
	switch tok {
	case json.Delim('{'):
		return checkObject(dec, t, depth)
	case json.Delim('['):
		for dec.More() {
			if err := check(dec, element(t), depth+1); err != nil {
				return err
			}
		}
		_, err := dec.Token()
		return noEOF(err)
	}
	return nil
}

func checkObject(dec *json.Decoder, t reflect.Type, depth int) error {
	fields := fieldTypes(t)
	seen := make(map[string]bool)
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return fmt.Errorf("JSON: %w", noEOF(err))
		}
		key, ok := tok.(string)
		if !ok {
			return fmt.Errorf("JSON has an object key that is not a string")
		}
		if seen[key] {
			return fmt.Errorf("JSON has the key %q twice in one object", key)
		}
		seen[key] = true
		ft, known := fields[key]
		if !known {
			for name := range fields {
				if strings.EqualFold(name, key) {
					return fmt.Errorf("JSON has the key %q where only %q is meant", key, name)
				}
			}
			ft = element(t)
		}
		if err := check(dec, ft, depth+1); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return noEOF(err)
}

// element is what a map, slice or array holds; nil where that is not known.
func element(t reflect.Type) reflect.Type {
	if t == nil {
		return nil
	}
	switch t.Kind() {
	case reflect.Map, reflect.Slice, reflect.Array:
		return t.Elem()
	}
	return nil
}

// fieldTypes returns the fields of a struct by their JSON keys.
func fieldTypes(t reflect.Type) map[string]reflect.Type {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	fields := make(map[string]reflect.Type)
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			for k, v := range fieldTypes(f.Type) {
				fields[k] = v
			}
		case f.IsExported() && name != "-":
			if name == "" {
				name = f.Name
			}
			fields[name] = f.Type
		}
	}
	return fields
}

func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// Bytes are bytes that a document holds as hex, with or without 0x, or as an
// array of numbers from 0 to 255, as Rust's serde writes them.
type Bytes []byte

// UnmarshalJSON reads either form.
func (b *Bytes) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' { // an array is never base64 to encoding/json
		if bytes.Contains(data, []byte("null")) { // which would be a zero
			return fmt.Errorf("has null where a number from 0 to 255 is meant")
		}
		return json.Unmarshal(data, (*[]byte)(b))
	}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("is neither hex nor an array of numbers")
	}
	decoded, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil {
		return fmt.Errorf("is not hex")
	}
	*b = decoded
	return nil
}

// MarshalJSON writes hex.
func (b Bytes) MarshalJSON() ([]byte, error) { return json.Marshal(hex.EncodeToString(b)) }

// Package strictjson decodes JSON without the latitude of encoding/json, which matches
// a field by a key in another case, lets a later duplicate overwrite an earlier key,
// and replaces what is not Unicode. Where two readers of one document must agree on
// what it says (an event log, a compose), each of these is a way to make them disagree.
//
// It also bounds what a document costs before any of it is decoded: a list of five
// million empty objects is ten megabytes of text, and a gigabyte of structs.
//
// Unknown keys are left to the caller: other people's formats grow.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"reflect"
	"unicode/utf8"
)

// The bounds of a document. No document that is read here comes near them.
const (
	maxDepth    = 64
	maxKeys     = 10_000  // of one object
	maxElements = 65_536  // of one list that is decoded element by element
	maxBytes    = 1 << 20 // of one list of numbers that are bytes, or of one that is kept undecoded
)

// Unmarshal decodes exactly one JSON value into v. It refuses duplicate keys, keys that
// differ from a field of v only in case, invalid UTF-8, halves of surrogate pairs,
// nesting beyond 64 levels, objects and lists larger than any use needs, and anything
// after the value.
func Unmarshal(data []byte, v any) error {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return errors.New("JSON begins with a byte-order mark; save it as UTF-8 without one")
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return errors.New("JSON is in UTF-16; save it as UTF-8")
	}
	if !utf8.Valid(data) {
		return fmt.Errorf("JSON is not valid UTF-8")
	}
	if !json.Valid(data) {
		return wrong(data)
	}
	c := checker{data: data, fields: make(map[reflect.Type]fields), seed: maphash.MakeSeed()}
	if err := c.value(reflect.TypeOf(v), 0); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// skipped is a value that is not looked at.
type skipped struct{}

// UnmarshalJSON skips a value.
func (skipped) UnmarshalJSON([]byte) error { return nil }

// wrong says why data is not one JSON value.
func wrong(data []byte) error {
	if json.NewDecoder(bytes.NewReader(data)).Decode(new(skipped)) == nil {
		return fmt.Errorf("JSON has something after its end")
	}
	return fmt.Errorf("JSON: %w", json.Unmarshal(data, new(skipped)))
}

package strictjson

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// checker walks over a document that is known to be JSON, alongside the type that it is
// for. It allocates nothing for what it skips.
type checker struct {
	data   []byte
	at     int
	fields map[reflect.Type]fields
	seed   maphash.Seed
}

// fields are those of a struct by their JSON keys.
type fields map[string]reflect.Type

// value skips one value. t is nil if it is not known what the value is decoded into.
func (c *checker) value(t reflect.Type, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("JSON is nested more than %d levels deep", maxDepth)
	}
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch c.next() {
	case '{':
		return c.object(t, depth)
	case '[':
		return c.list(t, depth)
	case '"':
		_, _, err := c.text()
		return err
	}
	for c.at < len(c.data) && !strings.ContainsRune(" \t\r\n,]}", rune(c.data[c.at])) {
		c.at++ // a number, or a word
	}
	return nil
}

// next skips blanks and returns the byte after them, without skipping it.
func (c *checker) next() byte {
	for {
		switch c.data[c.at] {
		case ' ', '\t', '\r', '\n':
			c.at++
		default:
			return c.data[c.at]
		}
	}
}

// more skips what stands before the next element, and reports whether there is one.
func (c *checker) more(end byte) bool {
	switch c.next() {
	case end:
		c.at++
		return false
	case ',':
		c.at++
		return c.next() != end
	}
	return true
}

func (c *checker) list(t reflect.Type, depth int) error {
	c.at++ // [
	of := element(t)
	most := maxElements
	switch {
	case of == nil:
		most = len(c.data) // nobody decodes its elements
	case of.Kind() == reflect.Uint8:
		most = maxBytes
	}
	for n := 1; c.more(']'); n++ {
		if n > most {
			return fmt.Errorf("JSON has a list of more than %d elements", most)
		}
		if err := c.value(of, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) object(t reflect.Type, depth int) error {
	c.at++ // {
	known := c.fieldsOf(t)
	var seen keys
	for c.more('}') {
		raw, escaped, err := c.text()
		if err != nil {
			return err
		}
		key := raw[1 : len(raw)-1]
		if escaped {
			var text string
			if err := json.Unmarshal(raw, &text); err != nil {
				return fmt.Errorf("JSON: %w", err)
			}
			key = []byte(text)
		}
		if seen.add(maphash.Bytes(c.seed, key)) {
			return fmt.Errorf("JSON has the key %.100q twice in one object", key)
		}
		if seen.n > maxKeys {
			return fmt.Errorf("JSON has an object of more than %d keys", maxKeys)
		}
		of, ok := known[string(key)]
		if !ok {
			for name := range known {
				if strings.EqualFold(name, string(key)) {
					return fmt.Errorf("JSON has the key %.100q where only %q is meant", key, name)
				}
			}
			of = element(t)
		}
		c.next() // the colon
		c.at++
		if err := c.value(of, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// keys are the keys of one object, by their hashes. Most objects have few.
type keys struct {
	n    int
	few  [16]uint64
	many map[uint64]struct{}
}

// add adds a key, and reports whether it was there.
func (k *keys) add(hash uint64) (twice bool) {
	if k.n < len(k.few) {
		if slices.Contains(k.few[:k.n], hash) {
			return true
		}
		k.few[k.n] = hash
		k.n++
		return false
	}
	if k.many == nil {
		k.many = make(map[uint64]struct{})
	}
	_, twice = k.many[hash]
	k.many[hash] = struct{}{}
	k.n++
	return twice || slices.Contains(k.few[:], hash)
}

// text skips a string and returns it with its quotes.
func (c *checker) text() (raw []byte, escaped bool, err error) {
	c.next()
	from := c.at
	for c.at++; c.data[c.at] != '"'; c.at++ {
		if c.data[c.at] != '\\' {
			continue
		}
		escaped = true
		if c.at++; c.data[c.at] != 'u' {
			continue
		}
		unit := c.unit(c.at + 1)
		c.at += 4
		switch {
		case 0xdc00 <= unit && unit < 0xe000:
			return nil, false, fmt.Errorf("JSON has half of a surrogate pair, which readers take for different characters")
		case 0xd800 <= unit && unit < 0xdc00:
			if c.data[c.at+1] != '\\' || c.data[c.at+2] != 'u' || c.unit(c.at+3)&0xfc00 != 0xdc00 {
				return nil, false, fmt.Errorf("JSON has half of a surrogate pair, which readers take for different characters")
			}
			c.at += 6
		}
	}
	c.at++
	return c.data[from:c.at], escaped, nil
}

// unit returns the UTF-16 unit that four hexadecimal digits name.
func (c *checker) unit(at int) uint64 {
	if at+4 > len(c.data) {
		return 0
	}
	u, err := strconv.ParseUint(string(c.data[at:at+4]), 16, 16)
	if err != nil {
		return 0
	}
	return u
}

// element returns the type that a map, slice or array holds, or nil if that is not
// known.
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

// fieldsOf returns the fields of a struct, or nil for any other type.
func (c *checker) fieldsOf(t reflect.Type) fields {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	known, ok := c.fields[t]
	if !ok {
		known = fieldTypes(t)
		c.fields[t] = known
	}
	return known
}

// fieldTypes returns the fields of a struct by their JSON keys.
func fieldTypes(t reflect.Type) fields {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	fields := make(fields)
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

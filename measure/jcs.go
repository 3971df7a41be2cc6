package measure

import (
	"fmt"
	"sort"
	"unicode/utf8"
)

// field is one member of a canonical object.
type field struct{ key, value string }

// jcsObject returns fields as RFC 8785 JSON, with sorted keys, no blanks and no HTML
// escaping. The keys are ASCII, so their bytewise order is that of UTF-16 units. It fails
// on a value that is not UTF-8, since JSON has no form for it.
func jcsObject(fields []field) ([]byte, error) {
	sort.Slice(fields, func(i, j int) bool { return fields[i].key < fields[j].key })
	out := []byte{'{'}
	for i, f := range fields {
		if i > 0 {
			out = append(out, ',')
		}
		key, err := jcsString(f.key)
		if err != nil {
			return nil, err
		}
		value, err := jcsString(f.value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.key, err)
		}
		out = append(append(append(out, key...), ':'), value...)
	}
	return append(out, '}'), nil
}

// jcsString returns s as a JSON string by RFC 8785, section 3.2.2.2.
func jcsString(s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("is not valid UTF-8")
	}
	out := []byte{'"'}
	for _, c := range []byte(s) {
		switch c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\b':
			out = append(out, '\\', 'b')
		case '\t':
			out = append(out, '\\', 't')
		case '\n':
			out = append(out, '\\', 'n')
		case '\f':
			out = append(out, '\\', 'f')
		case '\r':
			out = append(out, '\\', 'r')
		default:
			if c < 0x20 {
				out = fmt.Appendf(out, `\u%04x`, c)
			} else {
				out = append(out, c)
			}
		}
	}
	return append(out, '"'), nil
}

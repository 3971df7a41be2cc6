// Package printable makes the words of strangers fit for a log, a terminal or JSON.
//
// A Git host, a registry, a guest agent, the Docker Engine and anyone who wrote the
// evidence choose the bytes of what they say. Without this package those bytes could
// write escape sequences to a terminal, forge a line of a log, fill it, or repeat the
// credential that the host was given. One rule says what may be shown:
// [unicode.IsPrint].
package printable

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxLine is the most that [Line] keeps, in bytes.
const MaxLine = 500

// minSecret is the length from which [Line] looks for a secret, in bytes. Anything
// shorter occurs in ordinary words, too.
const minSecret = 4

// Line returns s as one short line. Secrets are replaced by "[secret]", each run of
// blanks and unprintable characters becomes one blank, and anything beyond [MaxLine] is
// cut off.
func Line(s string, secrets ...string) string {
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			s = strings.ReplaceAll(s, secret, "[secret]")
		}
	}
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if len(s) > MaxLine {
		s = strings.ToValidUTF8(s[:MaxLine], "") + "…"
	}
	return s
}

// Text returns s with U+FFFD for each character that can't be printed, so that a
// reader sees that something was there.
func Text(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// Document returns a value as JSON for people and programs: indented, and made fit for
// a terminal by [JSON].
func Document(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return JSON(b.Bytes()), nil
}

// JSON returns a JSON document with escapes for what a terminal may act on:
// [encoding/json] escapes only the control characters of ASCII.
func JSON(data []byte) []byte {
	unprintable := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }
	if !bytes.ContainsFunc(data, unprintable) {
		return data
	}
	out := make([]byte, 0, len(data)+64)
	for _, r := range string(data) {
		switch {
		case !unprintable(r):
			out = utf8.AppendRune(out, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

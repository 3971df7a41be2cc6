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
	"slices"
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

// minPart is the length from which [Line] looks for the beginning of a secret, in bytes. It
// is minPartBlank if the secret has a blank, as the value of a header that begins with the
// name of a scheme.
const minPart, minPartBlank = 8, 16

// Line returns s as one short line. Secrets are replaced by "[secret]", and so are their
// beginnings, since s may have been cut off. Each run of blanks and unprintable characters
// becomes one blank, and anything beyond [MaxLine] is cut off.
func Line(s string, secrets ...string) string {
	// The longest comes first: if a shorter one is a part of it, the rest would be left.
	secrets = slices.SortedStableFunc(slices.Values(secrets), func(a, b string) int { return len(b) - len(a) })
	for _, secret := range secrets {
		if len(secret) >= minSecret {
			s = strings.ReplaceAll(s, secret, "[secret]")
		}
	}
	for _, secret := range secrets {
		s = withoutBeginnings(s, secret)
	}
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "?"), func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if len(s) > MaxLine {
		s = strings.ToValidUTF8(s[:MaxLine], "") + "…"
	}
	return s
}

// withoutBeginnings replaces whatever begins like a secret, as far as it is like it.
func withoutBeginnings(s, secret string) string {
	least := minPart
	if strings.Contains(secret, " ") {
		least = minPartBlank
	}
	if len(secret) <= least {
		return s
	}
	var kept strings.Builder
	for {
		before, rest, found := strings.Cut(s, secret[:least])
		kept.WriteString(before)
		if !found {
			return kept.String()
		}
		kept.WriteString("[secret]")
		for n := least; n < len(secret) && rest != "" && rest[0] == secret[n]; n++ {
			rest = rest[1:]
		}
		s = rest
	}
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

package config

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// MaxSize is the size of the largest config, in bytes: 64 KiB (doc/launch.md).
const MaxSize = 64 << 10

// Error says why a config was refused. It never holds a value, which may be a secret that
// somebody put there by mistake.
type Error struct {
	File   string
	Line   int    // from 1; 0 for the whole file
	Key    string // empty where the line has no readable key
	Reason string
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	b.WriteString(": ")
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Reason)
	return b.String()
}

// Entry is one KEY=VALUE line.
type Entry struct {
	Key   string
	Value string
	Line  int // from 1
}

// String returns the line that [Grammar.Lines] reads as this entry.
func (e Entry) String() string { return e.Key + "=" + quote(e.Value) }

// Grammar is what a file of KEY=VALUE lines may hold.
type Grammar struct {
	Keys   []string // the known keys; any other is an error
	Repeat bool     // whether a key may appear more than once, as in a policy
}

// Lines reads data as KEY=VALUE lines. file is only named in errors, which are always
// *[Error]. It returns no entries with an error.
func (g Grammar) Lines(file string, data []byte) ([]Entry, error) {
	fail := func(line int, key, reason string) ([]Entry, error) {
		return nil, &Error{File: file, Line: line, Key: key, Reason: reason}
	}
	if len(data) > MaxSize {
		return fail(0, "", fmt.Sprintf("is larger than %d KiB", MaxSize>>10))
	}
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		return fail(1, "", "begins with a byte-order mark; save it as UTF-8 without one")
	}
	var entries []Entry
	seen := make(map[string]int)
	for i, text := range strings.Split(string(data), "\n") {
		line := i + 1
		if reason := badBytes(text); reason != "" {
			return fail(line, "", reason)
		}
		text = strings.TrimLeft(text, " \t")
		if text == "" || text[0] == '#' {
			continue
		}
		key, value, found := strings.Cut(text, "=")
		if name, exported := strings.CutPrefix(key, "export "); found && exported && isKey(name) {
			return fail(line, "", "begins with export; the file is read, not sourced: write KEY=VALUE alone")
		}
		if !found || !isKey(key) {
			return fail(line, "", "is not KEY=VALUE (the key is capitals, digits and _, with no blank before the =)")
		}
		if !slices.Contains(g.Keys, key) {
			return fail(line, key, "is not a known key")
		}
		if first, dup := seen[key]; dup && !g.Repeat {
			return fail(line, key, fmt.Sprintf("stands twice; it is already on line %d", first))
		}
		seen[key] = line
		entries = append(entries, Entry{Key: key, Value: unquote(value), Line: line})
	}
	return entries, nil
}

// badBytes says why no line may hold the bytes of text, or returns "".
func badBytes(text string) string {
	if !utf8.ValidString(text) {
		return "is not valid UTF-8"
	}
	for _, c := range []byte(text) {
		switch {
		case c == '\r':
			return "has a carriage return; the file has Windows line endings, save it with Unix ones"
		case c == 0:
			return "has a NUL byte"
		case c < 0x20 && c != '\t', c == 0x7f:
			return "has a control character"
		}
	}
	return ""
}

func isKey(s string) bool {
	for i, c := range []byte(s) {
		if c == '_' || 'A' <= c && c <= 'Z' || i > 0 && '0' <= c && c <= '9' {
			continue
		}
		return false
	}
	return s != ""
}

// unquote removes one layer of matching quotes, and nothing else.
func unquote(v string) string {
	if quoted(v) {
		return v[1 : len(v)-1]
	}
	return v
}

func quoted(v string) bool {
	return len(v) >= 2 && (v[0] == '"' || v[0] == '\'') && v[0] == v[len(v)-1]
}

// quote is the inverse of unquote.
func quote(v string) string {
	if quoted(v) {
		return "'" + v + "'"
	}
	return v
}

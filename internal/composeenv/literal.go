package composeenv

import (
	"fmt"
	"strings"
	"unicode"
)

// Literal returns a text as YAML: the value of a variable in a mapping, with a line
// break after it, from which the container gets exactly that text. The value is a block
// with indent before each line if a block keeps the text as it is, and a quoted string
// otherwise.
func Literal(text, indent string) string {
	escaped := strings.ReplaceAll(text, "$", "$$") // Compose takes one $ of two
	if !plainBlock(text) {
		return quoted(escaped) + "\n"
	}
	var b strings.Builder
	b.WriteString("|\n")
	for line := range strings.Lines(escaped) {
		b.WriteString(indent + line)
	}
	return b.String()
}

// plainBlock reports whether YAML reads a block of these lines as they are. It does not
// where a blank stands before the first line, where the text ends in no line break or in
// several, and where it has what YAML takes for a line break or does not allow.
func plainBlock(text string) bool {
	odd := strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) })
	return !odd && text != "" && !strings.ContainsAny(text[:1], " \t\n") && strings.HasSuffix(text, "\n") && !strings.HasSuffix(text, "\n\n")
}

// quoted writes a text in YAML's double quotes, on one line. JSON's form would not do:
// YAML does not combine two surrogates into one character.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

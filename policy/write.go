package policy

import (
	"bytes"
	"slices"
	"strings"

	"gitlauncher/config"
	"gitlauncher/internal/printable"
)

// Writer writes a policy line by line. The zero value is an empty policy. What it
// has written is always a policy that [Parse] reads.
type Writer struct{ b bytes.Buffer }

// Comment writes text as comment lines. A character that a policy file may not have,
// or that a terminal could act on, is written as U+FFFD.
func (w *Writer) Comment(text string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		w.b.WriteString(strings.TrimRight("# "+printable.Text(line), " ") + "\n")
	}
}

// Put writes a line that expects one value of a key. It refuses the value with a
// [*config.Error], and writes nothing, if the line would not be read again as exactly
// that value: a value may come from a stranger, and it must not become two lines, two
// values, or invisible.
func (w *Writer) Put(key, value string) error {
	line := config.Entry{Key: key, Value: value}.String()
	p, err := Parse("policy", []byte(line))
	if err != nil {
		return err
	}
	k, _ := Find(key) // Parse has found it
	if !visible(value) || !slices.Equal(k.Of(p).Texts(), []string{value}) {
		return &config.Error{File: "policy", Key: key, Reason: "can't be written so that it is read again as the same value"}
	}
	w.b.WriteString(line + "\n")
	return nil
}

// Line is Put, but for a value that can't be written it writes a comment that says so.
func (w *Writer) Line(key, value string) {
	if err := w.Put(key, value); err != nil {
		w.Comment(key + ": what is there can't stand in a policy: " + strings.ReplaceAll(value, "\n", "\r"))
	}
}

// None writes the line KEY=, which expects no value at all. It is for keys that may be
// empty.
func (w *Writer) None(key string) { w.b.WriteString(key + "=\n") }

// Append writes what another writer has written.
func (w *Writer) Append(other *Writer) { w.b.Write(other.b.Bytes()) }

// Bytes returns what was written.
func (w *Writer) Bytes() []byte { return w.b.Bytes() }

// Format writes a whole policy: its keys in the order of [Keys], a line for each value.
// It fails with a [*config.Error] if no policy file can hold a value.
func (p *Policy) Format() ([]byte, error) {
	var w Writer
	for _, k := range Keys() {
		field := k.field(p)
		if field.Given() && len(field.Texts()) == 0 {
			w.b.WriteString(k.Name + "=\n")
		}
		for _, v := range field.Texts() {
			if err := w.Put(k.Name, v); err != nil {
				return nil, err
			}
		}
	}
	return w.Bytes(), nil
}

// visible reports whether a reader sees all that a value holds. A tab counts as a
// blank.
func visible(value string) bool {
	value = strings.ReplaceAll(value, "\t", " ")
	return printable.Text(value) == value
}

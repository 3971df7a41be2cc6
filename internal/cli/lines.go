package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Lines turns a log in JSON, as log/slog writes it, into lines for people. A line that
// is no record passes as it is.
type Lines struct {
	Say   func(format string, args ...any)
	Raw   io.Writer
	Name  string // of the program that logs; may be empty
	Until string // how the message of the last record begins: all that follows passes

	// Instead has what to say instead of a message that begins with the key.
	Instead map[string]string

	line  []byte
	ended bool
}

// maxRecord is the longest record, in bytes: one with a receipt in it.
const maxRecord = 8 << 20

// Write accepts any part of the log.
func (l *Lines) Write(data []byte) (int, error) {
	for rest := data; len(rest) > 0; {
		if l.ended {
			_, err := l.Raw.Write(rest)
			return len(data), err
		}
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		l.line, rest = append(l.line, line...), after
		if !whole && len(l.line) < maxRecord {
			break
		}
		if err := l.record(); err != nil {
			return len(data), err
		}
		l.line = l.line[:0]
	}
	return len(data), nil
}

// terse are attributes that people can do without.
var terse = []string{"time", "level", "msg", "tree", "rtmr3", "events", "new", "sha256", "exit"}

func (l *Lines) record() error {
	var r map[string]any
	if json.Unmarshal(l.line, &r) != nil || r["msg"] == nil {
		_, err := l.Raw.Write(append(l.line, '\n'))
		return err
	}
	msg := fmt.Sprint(r["msg"])
	for begins, instead := range l.Instead {
		if strings.HasPrefix(msg, begins) {
			l.Say("%s", instead)
			return nil
		}
	}
	text := msg
	var more []string
	for _, key := range slices.Sorted(maps.Keys(r)) {
		if !slices.Contains(terse, key) {
			more = append(more, fmt.Sprintf("%s: %v", key, r[key]))
		}
	}
	if len(more) > 0 {
		text += " (" + strings.Join(more, ", ") + ")"
	}
	if level := r["level"]; level == "WARN" || level == "ERROR" {
		text = fmt.Sprintf("%s: %s", level, text)
	}
	if l.Name != "" {
		text = l.Name + ": " + text
	}
	l.Say("%s", text)
	l.ended = l.Until != "" && strings.HasPrefix(msg, l.Until)
	return nil
}

package batch_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/internal/batch"
	"gitlauncher/internal/inputs"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/report"
)

// line is one line of a batch's output.
type line struct {
	Source, Error string
	Report        *report.Report
}

// judged runs a batch in which each piece of evidence has the exit code that its
// event's name says.
func judged(t *testing.T, stdin, name string) (code int, lines []line, err error) {
	t.Helper()
	var out strings.Builder
	code, err = batch.Run(t.Context(), &out, &inputs.Files{Stdin: strings.NewReader(stdin)}, name, func(_ context.Context, _ string, e *evidence.Evidence) *report.Report {
		return &report.Report{ExitCode: map[string]int{"verified": 0, "undecided": 1, "invalid": 3, "not allowed": 4}[e.Log[0].Event]}
	})
	for text := range strings.Lines(out.String()) {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return code, lines, err
}

func some(event string) string {
	return `{"quote":"00","event_log":"[{\"imr\":3,\"event_type\":134217729,\"digest\":\"\",\"event\":\"` + event + `\",\"event_payload\":\"\"}]"}`
}

// TestRun: each line of the input has one of the output, in order, and the exit code is
// the one that outranks the others.
func TestRun(t *testing.T) {
	for _, tc := range []struct {
		in   []string
		code int
	}{
		{[]string{some("verified"), "", some("verified")}, 0},
		{[]string{some("verified"), some("undecided"), some("verified")}, 1},
		{[]string{some("not allowed"), some("undecided")}, 4},
		{[]string{some("not allowed"), some("invalid"), some("verified")}, 3},
		{[]string{some("not allowed"), "junk"}, 3},
		{[]string{some("verified"), strings.Repeat(" ", evidence.MaxSize) + "{}", some("not allowed")}, 3},
	} {
		code, lines, err := judged(t, strings.Join(tc.in, "\n"), "-")
		if err != nil || code != tc.code {
			t.Errorf("%.200q: exit code %d, %v", tc.in, code, err)
		}
		n := 0
		for i, in := range tc.in {
			if in == "" {
				continue
			}
			if l := lines[n]; l.Source != "-:"+string(rune('1'+i)) || (l.Report == nil) != (l.Error != "") {
				t.Errorf("%.200q: line %d is %+v", tc.in, n, l)
			}
			n++
		}
		if n != len(lines) {
			t.Errorf("%.200q: %d lines", tc.in, len(lines))
		}
	}
	var name *inputs.NameError
	if _, _, err := judged(t, "\n\n", "-"); !errors.As(err, &name) {
		t.Errorf("nothing: %v", err)
	}
}

// TestFolder: a file that can't be read has a line, and leaves the verdict open.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a.json": some("verified"), "c.json": some("verified")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	code, lines, err := judged(t, "", dir)
	if err != nil || code != 1 || len(lines) != 3 || !strings.Contains(lines[1].Error, "is not a file") {
		t.Errorf("exit code %d, %v, %+v", code, err, lines)
	}
}

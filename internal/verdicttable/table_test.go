package verdicttable_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"gitlauncher/internal/verdicttable"
	"gitlauncher/verify/report"
)

// TestWrite: each outcome has its word, strangers' words are clipped, indented and made
// printable, and the first of the worst findings stands under the verdict.
// SECURITY.md: E7.
func TestWrite(t *testing.T) {
	r := &report.Report{Verdict: report.NotVerified, ExitCode: report.ExitNotAllowed, Kind: "launch receipt", Intel: true, Findings: []report.Finding{
		{Check: "A", Name: "quote", Outcome: report.Pass, Found: "good\x1b[2J"},
		{Check: "B", Name: "MRTD", Outcome: report.Undecided, Why: "no MRTD is expected", Settle: []string{"MRTD=00"}},
		{Check: "D", Name: "compose", Outcome: report.NotAllowed, Expected: "a", Found: strings.Repeat("VERIFIED ", 1000), Why: "another compose", Accept: "service:x"},
		{Check: "E", Name: "launch", Outcome: report.NotAllowed, Why: "another launch"},
	}}
	for _, width := range []int{80, 110, 300} {
		var b strings.Builder
		if err := verdicttable.Write(&b, r, verdicttable.Style{Width: width}); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(strings.Fields(b.String()), " ")
		for _, want := range []string{"ok quote", "? MRTD", "settled by MRTD=00", "NOT ALLOWED compose", "accept it with ALLOW_COMPOSE=service:x", "--json has all", "NOT VERIFIED D, compose: another compose (and 1 more, marked NOT ALLOWED above)"} {
			if !strings.Contains(text, want) {
				t.Errorf("at width %d there is no %q:\n%s", width, want, b.String())
			}
		}
		for line := range strings.Lines(b.String()) {
			if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > width || strings.HasPrefix(line, "VERIFIED") || strings.Contains(line, "\x1b") {
				t.Errorf("at width %d: %q", width, line)
			}
		}
	}
	var b strings.Builder
	if err := verdicttable.Write(&b, r, verdicttable.Style{Width: 110, Colour: true}); err != nil || !strings.Contains(b.String(), "\x1b[31mNOT ALLOWED\x1b[0m") {
		t.Errorf("no colour: %v", err)
	}
}

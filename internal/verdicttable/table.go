package verdicttable

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"gitlauncher/internal/printable"
	"gitlauncher/measure"
	"gitlauncher/verify/report"
)

// titles say what each check asks.
var titles = map[string]string{
	"A": "The quote is genuine", "B": "The registers are the expected system", "C": "The event log is the register",
	"D": "The compose is the measured one, and nothing else has the keys", "E": "The launch is the expected one", "F": "The launcher image is the audited one",
}

// marks are the words for outcomes, and their colours.
var marks = map[report.Outcome]struct {
	word   string
	colour text.Color
}{
	report.Pass: {"ok", text.FgGreen}, report.Note: {"-", text.Faint}, report.Undecided: {"?", text.FgYellow},
	report.NotAllowed: {"NOT ALLOWED", text.FgRed}, report.Invalid: {"INVALID", text.FgRed},
}

// Style says how a report is printed.
type Style struct {
	Width  int // columns to keep to
	Colour bool
	Brief  bool // the verdict alone, without its table
}

// Write prints a report for people: every check, then the verdict.
func Write(w io.Writer, r *report.Report, style Style) error {
	width := style.Width
	paint := func(s string, c text.Color) string {
		if style.Colour {
			return text.Colors{c}.Sprint(s)
		}
		return s
	}
	var b strings.Builder
	if !style.Brief {
		writeChecks(&b, r, width, paint)
	}
	writeLaunches(&b, r, width)
	colour := map[report.Verdict]text.Color{report.Verified: text.FgGreen, report.VerifiedElsewhere: text.FgYellow, report.NotVerified: text.FgRed, report.Unclear: text.FgYellow}[r.Verdict]
	verdict := string(r.Verdict)
	if !r.Intel {
		verdict = strings.TrimSuffix(verdict, report.Elsewhere) + report.Elsewhere + ": THIS PROVES NOTHING ABOUT HARDWARE"
	}
	b.WriteString(paint(verdict, colour))
	switch accepted := "having accepted: " + clip(strings.Join(r.Accepted, "; ")); {
	case !r.Holds() || len(r.Accepted) == 0:
		b.WriteString("\n")
	case r.Intel:
		b.WriteString(", " + hang(accepted, width-len(verdict)))
	default: // the line is full
		b.WriteString("\n" + hang(accepted, width))
	}
	if reason := FirstReason(r); reason != "" {
		b.WriteString(hang(reason, width))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeChecks writes a table for each check.
func writeChecks(b *strings.Builder, r *report.Report, width int, paint func(string, text.Color) string) {
	fmt.Fprintf(b, "%s, judged as of %s\n", r.Kind, r.AsOf.Format(time.RFC3339))
	last := ""
	var t table.Writer
	flush := func() {
		if t != nil {
			for line := range strings.SplitSeq(t.Render(), "\n") {
				b.WriteString(strings.TrimRight(line, " ") + "\n")
			}
		}
	}
	for _, f := range r.Findings {
		if f.Check != last {
			flush()
			last, t = f.Check, newTable(width)
			fmt.Fprintf(b, "\n%s  %s\n", f.Check, paint(titles[f.Check], text.Bold))
		}
		mark := marks[f.Outcome]
		t.AppendRow(table.Row{paint(mark.word, mark.colour), printable.Text(f.Name), details(f)})
	}
	flush()
	b.WriteString("\n")
}

// mostLaunches is how many launches are listed under the table; --json has all.
const mostLaunches = 10

// writeLaunches lists what was launched, or what is all that can be. Without a good
// verdict it is a claim.
func writeLaunches(b *strings.Builder, r *report.Report, width int) {
	for i, l := range r.Launches {
		if i == mostLaunches {
			fmt.Fprintf(b, "           and %d more\n", len(r.Launches)-i)
			return
		}
		what := "image " + clip(l.Image)
		if l.Mode == "git" {
			what = fmt.Sprintf("commit %s of %s", clip(l.Commit), clip(l.Repo))
		}
		word := map[bool]string{false: "launched ", true: "can launch only "}[l.Binding == measure.Pinned]
		if !r.Holds() {
			word = "claimed: " + word
		}
		b.WriteString(hang(word+what, width))
	}
}

// newTable returns a table of three columns: outcome, what was checked, what was found.
func newTable(width int) table.Writer {
	const outcome, name = 11, 26
	t := table.NewWriter()
	s := table.StyleDefault
	s.Options = table.OptionsNoBordersAndSeparators
	s.Box.PaddingLeft, s.Box.PaddingRight = "", "  "
	t.SetStyle(s)
	nameWidth := min(name, width/3)
	t.SetColumnConfigs([]table.ColumnConfig{
		{Number: 1, WidthMin: outcome + 2, WidthMax: outcome + 2},
		{Number: 2, WidthMin: nameWidth, WidthMax: nameWidth, WidthMaxEnforcer: wrap},
		{Number: 3, WidthMax: max(width-outcome-nameWidth-8, 16), WidthMaxEnforcer: wrap},
	})
	return t
}

// wrap breaks each line at blanks where it can.
func wrap(s string, width int) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		for part := range strings.SplitSeq(text.WrapSoft(line, width), "\n") {
			out = append(out, strings.TrimRight(part, " "))
		}
	}
	return strings.Join(out, "\n")
}

// hang wraps text, with all lines but the first indented: no line that holds strangers'
// words may look like the verdict.
func hang(s string, width int) string {
	const indent = "           "
	return strings.ReplaceAll(wrap(s, width-len(indent)), "\n", "\n"+indent) + "\n"
}

// details returns what a finding has to say, one line each.
func details(f report.Finding) string {
	var lines []string
	found := clip(f.Found)
	if f.Expected != "" && f.Outcome != report.Pass {
		lines = append(lines, "expected "+clip(f.Expected))
		if found != "" {
			found = "found    " + found
		}
	}
	if found != "" {
		lines = append(lines, found)
	}
	if f.Why != "" {
		lines = append(lines, clip(f.Why))
	}
	if f.Outcome == report.NotAllowed && f.Accept != "" {
		lines = append(lines, "accept it with ALLOW_COMPOSE="+clip(f.Accept))
	}
	for i, line := range f.Settle {
		if i == mostSettled {
			lines = append(lines, fmt.Sprintf("and %d more lines", len(f.Settle)-i))
			break
		}
		lines = append(lines, "settled by "+clip(line))
	}
	return strings.Join(lines, "\n")
}

// mostSettled is how many lines to settle a finding the table shows; --json has all.
const mostSettled = 10

// FirstReason returns the sentence under the verdict: the first of the worst findings.
func FirstReason(r *report.Report) string {
	worst := map[int]report.Outcome{report.ExitUndecided: report.Undecided, report.ExitInvalid: report.Invalid, report.ExitNotAllowed: report.NotAllowed}[r.ExitCode]
	first, more := "", 0
	for _, f := range r.Findings {
		switch {
		case f.Outcome != worst || worst == "":
		case first == "":
			first = fmt.Sprintf("%s, %s: %s", f.Check, printable.Text(f.Name), clip(f.Why))
		default:
			more++
		}
	}
	if more > 0 {
		first += fmt.Sprintf(" (and %d more, marked %s above)", more, marks[worst].word)
	}
	return first
}

// mostShown is how much of one text the table shows, in bytes; --json has all of it.
const mostShown = 1500

// clip makes a text printable, and cuts off what is beyond mostShown.
func clip(s string) string {
	s = printable.Text(s)
	if len(s) <= mostShown {
		return s
	}
	return strings.ToValidUTF8(s[:mostShown], "") + fmt.Sprintf("… (%d bytes; --json has all)", len(s))
}

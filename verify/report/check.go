package report

import (
	"slices"
	"strings"

	"gitlauncher/policy"
)

// Check adds findings to one check of a report.
type Check struct {
	Policy *policy.Policy
	report *Report
	letter string // "A" to "F"
}

// Check returns what adds the findings of one check, "A" to "F", judged by a policy.
func (r *Report) Check(letter string, by *policy.Policy) Check { return Check{by, r, letter} }

// Add adds a finding as it is, in this check.
func (c Check) Add(f Finding) {
	f.Check = c.letter
	c.report.Findings = append(c.report.Findings, f)
}

// Pass adds a finding that is as it must be.
func (c Check) Pass(name, found string) {
	c.Add(Finding{Name: name, Outcome: Pass, Found: found})
}

// Note adds a finding that is good to know and judges nothing.
func (c Check) Note(name, found, why string) {
	c.Add(Finding{Name: name, Outcome: Note, Found: found, Why: why})
}

// Undecided adds a finding that lacks an expectation or an input. settle are the policy
// lines that would settle it, if any would.
func (c Check) Undecided(name, want, found, why string, settle ...string) {
	c.Add(Finding{Name: name, Outcome: Undecided, Expected: want, Found: found, Why: why, Settle: settle})
}

// NotAllowed adds a finding about what is genuine, but not what the policy allows.
func (c Check) NotAllowed(name, want, found, why string) {
	c.Add(Finding{Name: name, Outcome: NotAllowed, Expected: want, Found: found, Why: why})
}

// Invalid adds a finding about what is not what it claims to be.
func (c Check) Invalid(name, want, found, why string) {
	c.Add(Finding{Name: name, Outcome: Invalid, Expected: want, Found: found, Why: why})
}

// Accept records what passes only because the policy accepts it.
func (c Check) Accept(what string) {
	if !slices.Contains(c.report.Accepted, what) {
		c.report.Accepted = append(c.report.Accepted, what)
	}
}

// Launched records what was launched, or can be.
func (c Check) Launched(l Launch) { c.report.Launches = append(c.report.Launches, l) }

// Expect compares a value with a key of the policy that every VERIFIED needs. Without
// an expectation the finding is undecided, and missing says what follows from that.
func (c Check) Expect(name string, want policy.Expectation, found, other, missing string) {
	switch {
	case !want.Given():
		key := c.Policy.NameOf(want)
		c.Undecided(name, "", found, "no "+key+" is expected: "+missing, Line(key, found)...)
	case want.Allows(found):
		c.Pass(name, found)
	default:
		c.NotAllowed(name, want.String(), found, other)
	}
}

// Optional compares a value with a key of the policy that need not be there.
func (c Check) Optional(name string, want policy.Expectation, found, other string) {
	switch {
	case !want.Given():
	case found == "":
		c.Undecided(name, want.String(), "", "the evidence does not say")
	case want.Allows(found):
		c.Pass(name, found)
	default:
		c.NotAllowed(name, want.String(), found, other)
	}
}

// Line returns the policy line that expects one value of a key, or none if the value
// can't stand in a policy.
func Line(key, value string) []string {
	var w policy.Writer
	if w.Put(key, value) != nil {
		return nil
	}
	return []string{strings.TrimSuffix(string(w.Bytes()), "\n")}
}

package report

import (
	"slices"
	"strings"
	"time"

	"gitlauncher/measure"
	"gitlauncher/verify/evidence"
)

// Outcome is how one finding came out.
type Outcome string

// The outcomes, from good to bad. A Note judges nothing.
const (
	Pass       Outcome = "pass"
	Note       Outcome = "note"
	Undecided  Outcome = "undecided"   // an expectation or an input is missing
	NotAllowed Outcome = "not-allowed" // genuine, but not what the policy allows
	Invalid    Outcome = "invalid"     // not what it claims to be
)

// Finding is one thing that was checked.
type Finding struct {
	Check    string  `json:"check"` // "A" to "F"
	Name     string  `json:"name"`  // what was checked, the same words in every run
	Outcome  Outcome `json:"outcome"`
	Expected string  `json:"expected,omitempty"`
	Found    string  `json:"found,omitempty"`
	Why      string  `json:"why,omitempty"`    // a plain sentence, for whatever is no Pass
	Accept   string  `json:"accept,omitempty"` // the ALLOW_COMPOSE name that accepts it
	// Settle are the policy lines that would settle what is Undecided. They hold what
	// the evidence has, which nobody has vouched for.
	Settle []string `json:"settle,omitempty"`
}

// Verdict is the outcome of the whole judgement.
type Verdict string

// The verdicts, as VERIFY.md explains them.
const (
	Verified    Verdict = "VERIFIED"
	NotVerified Verdict = "NOT VERIFIED"
	Unclear     Verdict = "UNDECIDED"

	// VerifiedElsewhere is what Verified would be, under a root that the reader trusts
	// instead of Intel's. It proves nothing about hardware, so nobody who looks for
	// VERIFIED may find it.
	VerifiedElsewhere Verdict = Verified + Elsewhere
)

// Elsewhere is what people are told of any verdict under such a root.
const Elsewhere = " UNDER A ROOT THAT IS NOT INTEL'S"

// The exit codes of a report (VERIFY.md). [Outranks] says which counts more.
const (
	ExitVerified   = 0
	ExitUndecided  = 1
	ExitInvalid    = 3
	ExitNotAllowed = 4
)

// Outranks reports whether exit code a counts more than b, where several reports have
// one exit code together.
func Outranks(a, b int) bool {
	rank := map[int]int{ExitVerified: 0, ExitUndecided: 1, ExitNotAllowed: 2, ExitInvalid: 3}
	return rank[a] > rank[b]
}

// Report is what a judgement found.
type Report struct {
	Verdict  Verdict       `json:"verdict"`
	ExitCode int           `json:"exit_code"`
	Kind     evidence.Kind `json:"evidence"`
	AsOf     time.Time     `json:"judged_as_of"`
	RootSHA  string        `json:"root_sha256"`        // SHA-256 fingerprint of the trusted root
	Intel    bool          `json:"intel"`              // whether that root is Intel's: false proves nothing about hardware
	Launches []Launch      `json:"launches"`           // what the register says was launched, in order
	Accepted []string      `json:"accepted,omitempty"` // what the policy accepted that would not pass by itself
	Findings []Finding     `json:"findings"`           // in the order of the checks
}

// Launch is one launch in the attested log.
type Launch struct {
	Mode string `json:"mode"` // "git" or "image"
	// Binding says whether the register has the launch, or whether nothing else can be
	// launched.
	Binding measure.Binding `json:"binding"`
	Commit  string          `json:"commit,omitempty"`
	Repo    string          `json:"repo_url,omitempty"`
	Image   string          `json:"image_digest,omitempty"`
	Record  string          `json:"record,omitempty"` // the launch record's bytes; empty for the present MPC launcher
}

// Conclude draws the verdict: invalid before not allowed before undecided.
func (r *Report) Conclude() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return strings.Compare(a.Check, b.Check) })
	has := make(map[Outcome]bool)
	for _, f := range r.Findings {
		has[f.Outcome] = true
	}
	switch {
	case has[Invalid]:
		r.Verdict, r.ExitCode = NotVerified, ExitInvalid
	case has[NotAllowed]:
		r.Verdict, r.ExitCode = NotVerified, ExitNotAllowed
	case has[Undecided] || len(r.Findings) == 0:
		r.Verdict, r.ExitCode = Unclear, ExitUndecided
	case !r.Intel:
		r.Verdict, r.ExitCode = VerifiedElsewhere, ExitVerified
	default:
		r.Verdict, r.ExitCode = Verified, ExitVerified
	}
}

// Holds reports whether all is as expected, under whichever root.
func (r *Report) Holds() bool { return r.Verdict == Verified || r.Verdict == VerifiedElsewhere }

package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlauncher/measure"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/provenance"
	"gitlauncher/verify/quote"
)

// Params is everything that evidence is judged by. Nothing else is looked at.
type Params struct {
	Policy     *Policy
	Root       *quote.Root
	At         time.Time
	Collateral *quote.Collateral    // nil: the evidence's own, if it has one
	Shared     *Shared              // the work that a batch's judgements share; nil: nothing is
	Checkout   *Checkout            // a local clone's digests; nil: not asked
	Provenance *provenance.Verifier // nil: nothing to judge a bundle by
	Bundle     []byte               // nil: the evidence's own
}

// Checkout is what a local clone says about the commit of a record.
type Checkout struct {
	Commit, Tree, ContentSHA256 string
	// EntrySHA256 gives a file's SHA-256 by its path in the tree.
	EntrySHA256 func(path string) (string, error)
}

// judgement is one evidence being judged.
type judgement struct {
	Params
	*Report
	evidence *Evidence
	quote    *quote.Quote
	attested []measure.Runtime // the events that the quote's RTMR3 holds
	after    []measure.Runtime // those of them after system-ready
	prefix   bool              // the log is longer than the quote attests
	records  []record
	compose  *compose.Result
}

// Judge judges evidence. It never fails: what is wrong is a finding.
func Judge(ctx context.Context, e *Evidence, p Params) *Report {
	j := &judgement{Params: p, evidence: e, Report: &Report{
		Kind: e.Kind, AsOf: p.At.UTC(), RootSHA: p.Root.Fingerprint(), Intel: p.Root.Intel, Launches: []Launch{},
	}}
	if j.Policy == nil {
		j.Policy = new(Policy)
	}
	j.authenticity(ctx)
	if j.quote != nil {
		j.registers()
		j.log()
		j.readRecords()
		j.composes(ctx)
		j.launches()
		j.freshness()
		j.provenance(ctx)
	}
	j.conclude()
	return j.Report
}

// authenticity is check A.
func (j *judgement) authenticity(ctx context.Context) {
	q, err := quote.Parse(j.evidence.Quote)
	if err != nil {
		j.add("A", "quote", Invalid, "a TDX quote of version 4 or 5", "", err.Error())
		return
	}
	j.quote = q
	root := "Intel's root"
	if !j.Root.Intel {
		root = "a root that is NOT Intel's: " + j.Root.Name()
	}
	if err := q.CheckSignatures(ctx, j.Root, j.At); err != nil {
		why := "the quote is not signed by a chain to the root: " + err.Error()
		if !q.Names(j.Root) {
			why = "the quote's own chain ends in another root. If that is a simulator's, --root FILE judges by it, and it proves nothing about hardware"
		}
		j.add("A", "signatures", Invalid, "from the quote to "+root, "", why)
	} else {
		j.add("A", "signatures", Pass, "", fmt.Sprintf("version %d quote, to %s", q.Version, root), "")
	}
	td, qe := q.Debug()
	switch {
	case td:
		j.add("A", "debug mode", Invalid, "off", "a debug TD", "the host can read and write a debug TD's memory")
	case qe:
		j.add("A", "debug mode", Invalid, "off", "a debug quoting enclave", "the host can read a debug enclave's key and sign anything with it")
	default:
		j.add("A", "debug mode", Pass, "", "off", "")
	}
	if q.Migratable() {
		j.add("A", "migration", Invalid, "off", "a migratable TD", "a migration TD that the quote does not name can copy the TD's memory to another host")
	}
	zero(j, "A", "MRSIGNERSEAM", q.MRSignerSeam, "the TDX module is not Intel's")
	if q.Version == 5 {
		zero(j, "A", "MRSERVICETD", q.MRServiceTD, "a service TD that this program does not know can act on the TD")
	}
	j.collateral(q)
}

func zero(j *judgement, check, name string, r measure.Register, why string) {
	if r == (measure.Register{}) {
		j.add(check, name, Pass, "", "zero", "")
		return
	}
	j.add(check, name, Invalid, "zero", r.String(), why)
}

// collateral judges the quote by what Intel says of its platform.
func (j *judgement) collateral(q *quote.Quote) {
	c, own := j.Collateral, false
	if c == nil {
		c, own = j.evidence.Collateral, true
	}
	if c == nil {
		j.add("A", "collateral", Undecided, "TCB info, QE identity and revocation lists", "none", "without collateral nobody knows whether the platform is revoked or out of date; use --collateral FILE or --pccs URL")
		return
	}
	checked := j.Shared.collateral(c, j.Root, j.At)
	for _, part := range checked.Parts {
		if part.Err != nil {
			why := part.Err.Error()
			var date *quote.DateError
			if errors.As(part.Err, &date) {
				why += "; --pccs URL fetches the present one, --at TIME judges as of another moment"
			}
			j.add("A", part.Name, Invalid, "signed under the root and valid", "", why)
		} else {
			j.add("A", part.Name, Pass, "", "signed under the root and valid", "")
		}
	}
	if !checked.Good() {
		return
	}
	if own {
		day, evaluation := checked.Issued()
		j.add("A", "collateral", Note, "", fmt.Sprintf("the evidence's own, issued %s, TCB evaluation %d", day.UTC().Format(time.DateOnly), evaluation),
			"whoever hands it over chooses among what is still valid, and the older knows fewer flaws; --pccs URL fetches Intel's present one")
	}
	tcb, err := checked.Judge(q)
	if err != nil {
		j.add("A", "platform", Invalid, "this platform, not revoked", "", err.Error())
		return
	}
	allowed := []string{string(quote.UpToDate)}
	for _, s := range j.Policy.Of("TCB_STATUS_ALLOWED") {
		if !slices.Contains(allowed, s) {
			allowed = append(allowed, s)
		}
	}
	found := fmt.Sprintf("%s (platform %s, module %s, QE %s)", tcb.Worst(), tcb.Platform, tcb.Module, tcb.QE)
	if len(tcb.Advisories) > 0 {
		found += "; " + strings.Join(tcb.Advisories, ", ")
	}
	outcome, why := Pass, ""
	for _, s := range []quote.Status{tcb.Platform, tcb.Module, tcb.QE} {
		switch {
		case s == quote.Revoked:
			outcome, why = Invalid, "Intel has revoked this TCB level: its keys may be known"
		case !slices.Contains(allowed, string(s)) && outcome == Pass:
			outcome, why = NotAllowed, "the platform lacks security updates or settings; TCB_STATUS_ALLOWED can accept a status by name"
		}
	}
	j.add("A", "TCB status", outcome, strings.Join(allowed, " or "), found, why)
}

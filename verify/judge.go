package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/provenance"
	"gitlauncher/verify/quote"
)

// Params is everything that evidence is judged by. Nothing else is looked at.
type Params struct {
	Policy     *policy.Policy // nil: nothing is expected
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
	// EntrySHA256 returns a file's SHA-256 by its path in the tree.
	EntrySHA256 func(path string) (string, error)
}

// judge judges one evidence. Its fields are given at the start and never change; what
// a check finds out for the next ones is handed on by Judge.
type judge struct {
	Params
	*Report
	evidence *Evidence
}

// Judge judges evidence. It never fails: what is wrong is a finding.
func Judge(ctx context.Context, e *Evidence, p Params) *Report {
	j := &judge{Params: p, evidence: e, Report: &Report{
		Kind: e.Kind, AsOf: p.At.UTC(), RootSHA: p.Root.Fingerprint(), Intel: p.Root.Intel, Launches: []Launch{},
	}}
	if j.Policy == nil {
		j.Policy = new(policy.Policy)
	}
	if q := j.authenticity(ctx); q != nil {
		j.registers(q)
		boot := j.log(q)
		launched := j.launched(boot)
		app := j.app(ctx, boot, launched)
		j.configID(q, boot, app.hash)
		j.launches(boot, launched, app)
		j.freshness(q, boot, launched)
		j.provenance(ctx, app, launched)
	}
	j.conclude()
	return j.Report
}

// expect compares a value with a key of the policy that every VERIFIED needs. Where
// nobody expects anything the finding is undecided, and missing says what follows.
func (j *judge) expect(c check, name string, want policy.Expectation, found, other, missing string) {
	switch {
	case !want.Given():
		c.undecided(name, "", found, "no "+j.Policy.NameOf(want)+" is expected: "+missing)
	case want.Allows(found):
		c.pass(name, found)
	default:
		c.notAllowed(name, want.String(), found, other)
	}
}

// optional compares a value with a key of the policy that need not be there.
func (j *judge) optional(c check, name string, want policy.Expectation, found, other string) {
	switch {
	case !want.Given():
	case found == "":
		c.undecided(name, want.String(), "", "the evidence does not say")
	case want.Allows(found):
		c.pass(name, found)
	default:
		c.notAllowed(name, want.String(), found, other)
	}
}

// authenticity is check A. It returns the quote, or nil where there is none to judge.
func (j *judge) authenticity(ctx context.Context) *quote.Quote {
	c := j.check("A")
	q, err := quote.Parse(j.evidence.Quote)
	if err != nil {
		c.invalid("quote", "a TDX quote of version 4 or 5", "", err.Error())
		return nil
	}
	root := "Intel's root"
	if !j.Root.Intel {
		root = "a root that is NOT Intel's: " + j.Root.Name()
	}
	if err := q.CheckSignatures(ctx, j.Root, j.At); err != nil {
		why := "the quote is not signed by a chain to the root: " + err.Error()
		if !q.Names(j.Root) {
			why = "the quote's own chain ends in another root. If that is a simulator's, --root FILE judges by it, and it proves nothing about hardware"
		}
		c.invalid("signatures", "from the quote to "+root, "", why)
	} else {
		c.pass("signatures", fmt.Sprintf("version %d quote, to %s", q.Version, root))
	}
	attributes(c, q)
	j.collateral(c, q)
	return q
}

// attributes judges what the quote says of the TD itself.
func attributes(c check, q *quote.Quote) {
	td, qe := q.Debug()
	switch {
	case td:
		c.invalid("debug mode", "off", "a debug TD", "the host can read and write a debug TD's memory")
	case qe:
		c.invalid("debug mode", "off", "a debug quoting enclave", "the host can read a debug enclave's key and sign anything with it")
	default:
		c.pass("debug mode", "off")
	}
	if q.Migratable() {
		c.invalid("migration", "off", "a migratable TD", "a migration TD that the quote does not name can copy the TD's memory to another host")
	}
	zero(c, "MRSIGNERSEAM", q.MRSignerSeam, "the TDX module is not Intel's")
	if q.Version == 5 {
		zero(c, "MRSERVICETD", q.MRServiceTD, "a service TD that this program does not know can act on the TD")
	}
}

func zero(c check, name string, r measure.Register, why string) {
	if r == (measure.Register{}) {
		c.pass(name, "zero")
		return
	}
	c.invalid(name, "zero", r.String(), why)
}

// collateral judges the quote by what Intel says of its platform.
func (j *judge) collateral(c check, q *quote.Quote) {
	collateral, own := j.Collateral, false
	if collateral == nil {
		collateral, own = j.evidence.Collateral, true
	}
	if collateral == nil {
		c.undecided("collateral", "TCB info, QE identity and revocation lists", "none", "without collateral nobody knows whether the platform is revoked or out of date; use --collateral FILE or --pccs URL")
		return
	}
	checked := j.Shared.collateral(collateral, j.Root, j.At)
	for _, part := range checked.Parts {
		if part.Err == nil {
			c.pass(part.Name, "signed under the root and valid")
			continue
		}
		why := part.Err.Error()
		var date *quote.DateError
		if errors.As(part.Err, &date) {
			why += "; --pccs URL fetches the present one, --at TIME judges as of another moment"
		}
		c.invalid(part.Name, "signed under the root and valid", "", why)
	}
	if !checked.Good() {
		return
	}
	if own {
		day, evaluation := checked.Issued()
		c.note("collateral", fmt.Sprintf("the evidence's own, issued %s, TCB evaluation %d", day.UTC().Format(time.DateOnly), evaluation),
			"anyone who hands it over chooses among what is still valid, and the older knows fewer flaws; --pccs URL fetches Intel's present one")
	}
	tcb, err := checked.Judge(q)
	if err != nil {
		c.invalid("platform", "this platform, not revoked", "", err.Error())
		return
	}
	j.tcb(c, tcb)
}

// tcb judges the TCB statuses of platform, module and quoting enclave, each by itself.
func (j *judge) tcb(c check, tcb quote.TCB) {
	const name = "TCB status"
	allowed := []string{string(quote.UpToDate)}
	for _, s := range j.Policy.TCBStatusAllowed.Texts() {
		if !slices.Contains(allowed, s) {
			allowed = append(allowed, s)
		}
	}
	want := strings.Join(allowed, " or ")
	found := fmt.Sprintf("%s (platform %s, module %s, QE %s)", tcb.Worst(), tcb.Platform, tcb.Module, tcb.QE)
	if len(tcb.Advisories) > 0 {
		found += "; " + strings.Join(tcb.Advisories, ", ")
	}
	parts := []quote.Status{tcb.Platform, tcb.Module, tcb.QE}
	switch {
	case slices.Contains(parts, quote.Revoked):
		c.invalid(name, want, found, "Intel has revoked this TCB level: its keys may be known")
	case slices.ContainsFunc(parts, func(s quote.Status) bool { return !slices.Contains(allowed, string(s)) }):
		c.notAllowed(name, want, found, "the platform lacks security updates or settings; TCB_STATUS_ALLOWED can accept a status by name")
	default:
		c.add(Finding{Name: name, Outcome: Pass, Expected: want, Found: found})
	}
}

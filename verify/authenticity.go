package verify

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/quote"
)

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
	j.attributes(c, q)
	j.collateral(c, q)
	return q
}

// attributes judges what the quote says of the TD itself.
func (j *judge) attributes(c check, q *quote.Quote) {
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
	if !q.SEPTVEDisable() {
		c.notAllowed("SEPT_VE_DISABLE", "set", "not set", "the host can raise exceptions in the guest by taking pages away, and so steer what it does")
	}
	if unusual := q.Unusual(); len(unusual) > 0 {
		c.notAllowed("TD attributes", "no others than SEPT_VE_DISABLE", strings.Join(unusual, ", "), "dstack's VMs don't have them: they share more of the processor with the host, or this program does not know what they do")
	}
	if p := j.Policy; p.XFAM.Given() {
		j.optional(c, "XFAM", &p.XFAM, hex.EncodeToString(q.XFAM[:]), "the TD may use other features of the processor")
	} else {
		c.note("XFAM", hex.EncodeToString(q.XFAM[:]), "")
	}
	zero(c, "MRSIGNERSEAM", q.MRSignerSeam, "the TDX module is not Intel's")
	if q.Version == 5 {
		zero(c, "MRSERVICETD", q.MRServiceTD, "a service TD that this program does not know can act on the TD")
	}
	j.owner(c, "MROWNER", &j.Policy.MROwner, q.MROwner)
	j.owner(c, "MROWNERCONFIG", &j.Policy.MROwnerConfig, q.MROwnerConfig)
}

// zero refuses a register that is not zero.
func zero(c check, name string, r measure.Register, why string) {
	if r == (measure.Register{}) {
		c.pass(name, "zero")
		return
	}
	c.invalid(name, "zero", r.String(), why)
}

// owner judges a register that is zero on dstack, and that the host writes.
func (j *judge) owner(c check, name string, want policy.Expectation, found measure.Register) {
	switch {
	case want.Given():
		j.optional(c, name, want, found.String(), "the VM was started for another owner")
	case found == measure.Register{}:
		c.pass(name, "zero")
	default:
		c.notAllowed(name, "zero", found.String(), "the host started the VM for an owner that nobody expects; "+name+" can expect it")
	}
}

// collateral judges the quote by what Intel says of its platform.
func (j *judge) collateral(c check, q *quote.Quote) {
	const name = "collateral"
	collateral, own := j.Collateral, false
	if collateral == nil {
		collateral, own = j.evidence.Collateral, true
	}
	if collateral == nil {
		c.undecided(name, "TCB info, QE identity and revocation lists", "none", "without collateral nobody knows whether the platform is revoked or out of date; use --collateral FILE or --pccs URL")
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
	j.evaluation(c, checked, own)
	tcb, err := checked.Judge(q)
	if err != nil {
		c.invalid("platform", "this platform, not revoked", "", err.Error())
		return
	}
	j.tcb(c, tcb)
}

// evaluation judges how much the collateral knows. Intel signs several evaluations at a
// time, so that signatures and dates alone let anyone who hands over evidence choose one
// that does not know of last year's flaws.
func (j *judge) evaluation(c check, checked *quote.Checked, own bool) {
	const name = "collateral"
	day, evaluation := checked.Issued()
	found := fmt.Sprintf("issued %s, TCB evaluation %d", day.UTC().Format(time.DateOnly), evaluation)
	switch {
	case !own:
		c.pass(name, found)
	case j.Policy.Collateral.Given():
		c.note(name, "the evidence's own, "+found, "accepted by COLLATERAL=evidence")
		c.accepted("the evidence's own collateral")
	default:
		c.undecided(name, "Intel's present one", "the evidence's own, "+found, "anyone who hands it over chooses among what is still valid, and the older knows fewer flaws; without --offline Intel's present one is fetched, --pccs URL fetches it elsewhere", "COLLATERAL=evidence")
	}
	for _, least := range j.Policy.TCBEvaluation.Values() {
		if evaluation >= int(least) {
			c.pass("TCB evaluation", fmt.Sprint(evaluation))
		} else {
			c.notAllowed("TCB evaluation", fmt.Sprintf("%s or later", least), fmt.Sprint(evaluation), "the collateral is of an older evaluation, which knows fewer flaws")
		}
	}
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
		for _, s := range parts {
			if s != quote.UpToDate {
				c.accepted("TCB status " + string(s))
			}
		}
	}
}

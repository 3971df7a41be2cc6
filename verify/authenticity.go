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
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
)

// authenticity is check A. It returns the quote, or nil if there is none to judge.
func (p Params) authenticity(ctx context.Context, c report.Check, e *evidence.Evidence) *quote.Quote {
	q, err := quote.Parse(e.Quote)
	if err != nil {
		c.Invalid("quote", "a TDX quote of version 4 or 5", "", err.Error())
		return nil
	}
	root := "Intel's root"
	if !p.Root.Intel {
		root = "a root that is NOT Intel's: " + p.Root.Name()
	}
	if err := q.CheckSignatures(ctx, p.Root, p.At); err != nil {
		why := "the quote is not signed by a chain to the root: " + err.Error()
		if !q.Names(p.Root) {
			why = "the quote's own chain ends in another root. If that is a simulator's, --root FILE judges by it, and it proves nothing about hardware"
		}
		c.Invalid("signatures", "from the quote to "+root, "", why)
	} else {
		c.Pass("signatures", fmt.Sprintf("version %d quote, to %s", q.Version, root))
	}
	attributes(c, q)
	p.judgeCollateral(c, e, q)
	return q
}

// attributes judges what the quote says of the TD itself.
func attributes(c report.Check, q *quote.Quote) {
	td, qe := q.Debug()
	switch {
	case td:
		c.Invalid("debug mode", "off", "a debug TD", "the host can read and write a debug TD's memory")
	case qe:
		c.Invalid("debug mode", "off", "a debug quoting enclave", "the host can read a debug enclave's key and sign anything with it")
	default:
		c.Pass("debug mode", "off")
	}
	if q.Migratable() {
		c.Invalid("migration", "off", "a migratable TD", "a migration TD that the quote does not name can copy the TD's memory to another host")
	}
	if !q.SEPTVEDisable() {
		c.NotAllowed("SEPT_VE_DISABLE", "set", "not set", "the host can raise exceptions in the guest by taking pages away, and so steer what it does")
	}
	if unusual := q.Unusual(); len(unusual) > 0 {
		c.NotAllowed("TD attributes", "no others than SEPT_VE_DISABLE", strings.Join(unusual, ", "), "dstack's VMs don't have them: they share more of the processor with the host, or this program does not know what they do")
	}
	if want := &c.Policy.XFAM; want.Given() {
		c.Optional("XFAM", want, hex.EncodeToString(q.XFAM[:]), "the TD may use other features of the processor")
	} else {
		c.Note("XFAM", hex.EncodeToString(q.XFAM[:]), "")
	}
	zero(c, "MRSIGNERSEAM", q.MRSignerSeam, "the TDX module is not Intel's")
	if q.Version == 5 {
		zero(c, "MRSERVICETD", q.MRServiceTD, "a service TD that this program does not know can act on the TD")
	}
	owner(c, "MROWNER", &c.Policy.MROwner, q.MROwner)
	owner(c, "MROWNERCONFIG", &c.Policy.MROwnerConfig, q.MROwnerConfig)
}

// zero refuses a register that is not zero.
func zero(c report.Check, name string, r measure.Register, why string) {
	if r == (measure.Register{}) {
		c.Pass(name, "zero")
		return
	}
	c.Invalid(name, "zero", r.String(), why)
}

// owner judges a register that is zero on dstack, and that the host writes.
func owner(c report.Check, name string, want policy.Expectation, found measure.Register) {
	switch {
	case want.Given():
		c.Optional(name, want, found.String(), "the VM was started for another owner")
	case found == measure.Register{}:
		c.Pass(name, "zero")
	default:
		c.NotAllowed(name, "zero", found.String(), "the host started the VM for an owner that nobody expects; "+name+" can expect it")
	}
}

// judgeCollateral judges the quote by what Intel says of its platform.
func (p Params) judgeCollateral(c report.Check, e *evidence.Evidence, q *quote.Quote) {
	const name = "collateral"
	collateral, own := p.Collateral, false
	if collateral == nil {
		collateral, own = e.Collateral, true
	}
	if collateral == nil {
		c.Undecided(name, "TCB info, QE identity and revocation lists", "none", "without collateral nobody knows whether the platform is revoked or out of date; use --collateral FILE or --pccs URL")
		return
	}
	checked := p.Shared.collateral(collateral, p.Root, p.At)
	for _, part := range checked.Parts {
		if part.Err == nil {
			c.Pass(part.Name, "signed under the root and valid")
			continue
		}
		why := part.Err.Error()
		var date *quote.DateError
		if errors.As(part.Err, &date) {
			why += "; --pccs URL fetches the present one, --at TIME judges as of another moment"
		}
		c.Invalid(part.Name, "signed under the root and valid", "", why)
	}
	if !checked.Good() {
		return
	}
	evaluation(c, checked, own)
	tcb, err := checked.Judge(q)
	if err != nil {
		c.Invalid("platform", "this platform, not revoked", "", err.Error())
		return
	}
	judgeTCB(c, tcb)
}

// evaluation judges how much the collateral knows. Intel signs several evaluations at a
// time. By signatures and dates alone, anyone who hands over evidence could choose one
// that does not know of last year's flaws.
func evaluation(c report.Check, checked *quote.Checked, own bool) {
	const name = "collateral"
	day, evaluation := checked.Issued()
	found := fmt.Sprintf("issued %s, TCB evaluation %d", day.UTC().Format(time.DateOnly), evaluation)
	switch {
	case !own:
		c.Pass(name, found)
	case c.Policy.Collateral.Given():
		c.Note(name, "the evidence's own, "+found, "accepted by COLLATERAL=evidence")
		c.Accept("the evidence's own collateral")
	default:
		c.Undecided(name, "Intel's present one", "the evidence's own, "+found, "anyone who hands it over chooses among what is still valid, and the older knows fewer flaws; without --offline Intel's present one is fetched, --pccs URL fetches it elsewhere", "COLLATERAL=evidence")
	}
	for _, least := range c.Policy.TCBEvaluation.Values() {
		if evaluation >= int(least) {
			c.Pass("TCB evaluation", fmt.Sprint(evaluation))
		} else {
			c.NotAllowed("TCB evaluation", fmt.Sprintf("%s or later", least), fmt.Sprint(evaluation), "the collateral is of an older evaluation, which knows fewer flaws")
		}
	}
}

// judgeTCB judges the TCB statuses of platform, module and quoting enclave, each by itself.
func judgeTCB(c report.Check, tcb quote.TCB) {
	const name = "TCB status"
	allowed := []string{string(quote.UpToDate)}
	for _, s := range c.Policy.TCBStatusAllowed.Texts() {
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
		c.Invalid(name, want, found, "Intel has revoked this TCB level: its keys may be known")
	case slices.ContainsFunc(parts, func(s quote.Status) bool { return !slices.Contains(allowed, string(s)) }):
		c.NotAllowed(name, want, found, "the platform lacks security updates or settings; TCB_STATUS_ALLOWED can accept a status by name")
	default:
		c.Add(report.Finding{Name: name, Outcome: report.Pass, Expected: want, Found: found})
		for _, s := range parts {
			if s != quote.UpToDate {
				c.Accept("TCB status " + string(s))
			}
		}
	}
}

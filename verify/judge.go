package verify

import (
	"context"
	"strings"
	"time"

	"gitlauncher/policy"
	"gitlauncher/verify/provenance"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/system/catalogue"
)

// Params is everything that evidence is judged by. Nothing else is looked at.
type Params struct {
	Policy     *policy.Policy       // nil: nothing is expected
	Systems    *catalogue.Catalogue // what is known of systems; nil: what this program knows
	Root       *quote.Root
	At         time.Time
	Collateral *quote.Collateral // nil: the evidence's own, if it has one
	Shared     *Shared           // the work that a batch's judgements share; nil: nothing is
	Checkout   *Checkout         // a local clone's digests; nil: not asked
	Provenance Provenance        // nil: nothing to judge a bundle by
	Bundle     []byte            // nil: the evidence's own
	Derived    *Derived          // what a derived image is; nil: there is none to judge
}

// Provenance judges Sigstore bundles (check F); that of package bundle does. An interface,
// so that a verifier without check F need not link Sigstore's libraries.
type Provenance interface {
	// Verify proves that one of those who may have built the image with this digest
	// (sha256:…) did.
	Verify(bundle []byte, image string, want provenance.Expect) (*provenance.Build, error)
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
	if j.Systems == nil {
		j.Systems = catalogue.BuiltIn()
	}
	if q := j.authenticity(ctx); q != nil {
		system := j.registers(q)
		boot := j.log(q)
		launched := j.launched(boot)
		app := j.app(ctx, system, boot, launched)
		j.keys(boot, system)
		j.configID(q, boot, app.hash)
		j.launches(boot, launched, app)
		j.freshness(q, boot, launched, app)
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
		key := j.Policy.NameOf(want)
		c.undecided(name, "", found, "no "+key+" is expected: "+missing, line(key, found)...)
	case want.Allows(found):
		c.pass(name, found)
	default:
		c.notAllowed(name, want.String(), found, other)
	}
}

// line is a policy line that expects one value of a key; none where the value can't
// stand in a policy.
func line(key, value string) []string {
	var w policy.Writer
	if w.Put(key, value) != nil {
		return nil
	}
	return []string{strings.TrimSuffix(string(w.Bytes()), "\n")}
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

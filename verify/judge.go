package verify

import (
	"context"
	"time"

	"gitlauncher/policy"
	"gitlauncher/verify/app"
	"gitlauncher/verify/boot"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/launch"
	"gitlauncher/verify/provenance"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
	"gitlauncher/verify/system/catalogue"
)

// Params is everything that evidence is judged by.
type Params struct {
	Policy     *policy.Policy       // nil: nothing is expected
	Systems    *catalogue.Catalogue // what is known of systems; nil: what this program knows
	Root       *quote.Root
	At         time.Time
	Collateral *quote.Collateral // nil: the evidence's own, if it has one
	Shared     *Shared           // the work that a batch's judgements share; nil: nothing is
	Checkout   *launch.Checkout  // a local clone's digests; nil: not asked
	Provenance Provenance        // nil: nothing to judge a bundle by
	Bundle     []byte            // nil: the evidence's own
	Derived    *app.Derived      // what a derived image is; nil: there is none to judge
}

// Provenance judges Sigstore bundles (check F). Package bundle implements it. It is an
// interface so that a verifier without check F need not link Sigstore's libraries.
type Provenance interface {
	// Verify proves that the image with this digest (sha256:…) was built by one of
	// those who may have built it, and returns which.
	Verify(bundle []byte, image string, want provenance.Expect) (*provenance.Build, error)
}

// Judge judges evidence. It never fails: what is wrong is a finding.
func Judge(ctx context.Context, e *evidence.Evidence, p Params) *report.Report {
	if p.Policy == nil {
		p.Policy = new(policy.Policy)
	}
	if p.Systems == nil {
		p.Systems = catalogue.BuiltIn()
	}
	r := &report.Report{Kind: e.Kind, AsOf: p.At.UTC(), RootSHA: p.Root.Fingerprint(), Intel: p.Root.Intel, Launches: []report.Launch{}}
	check := func(letter string) report.Check { return r.Check(letter, p.Policy) }

	if q := p.authenticity(ctx, check("A"), e); q != nil {
		system := boot.Registers(check("B"), e, q, p.Systems)
		log := boot.Replay(check("C"), e, q)
		launches := log.Launches(check("E"))

		application := app.Judge(ctx, check("D"), app.Params{
			AppCompose: e.AppCompose, System: system, Log: log, Image: launches.ImageMode(p.Policy),
			Derived: p.Derived, Compose: p.Shared.compose,
		})
		app.Keys(check("D"), log, system)
		log.ConfigID(check("B"), q, e.AppCompose, application.Hash)

		launched := launch.Params{Evidence: e, Log: log, Records: launches, App: application, Checkout: p.Checkout}
		launched.Judge(check("E"))
		launched.Freshness(check("E"), q)

		p.provenance(check("F"), e, application)
	}
	r.Conclude()
	return r
}

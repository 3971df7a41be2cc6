package main

import (
	"context"
	"fmt"

	"gitlauncher/internal/batch"
	"gitlauncher/internal/printable"
	"gitlauncher/internal/verdicttable"
	"gitlauncher/verify"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/provenance"
	"gitlauncher/verify/report"
)

// verify judges one evidence, or a batch, and prints the report.
func (p *program) verify(ctx context.Context, s *settings) (int, error) {
	params, err := p.params(ctx, s)
	if err != nil {
		return 0, err
	}
	source := newCollateralSource(p, s)
	if s.batch {
		params.Shared = verify.NewShared()
		return batch.Run(ctx, p.stdout, p.files, s.evidence, func(ctx context.Context, name string, e *evidence.Evidence) *report.Report {
			params := params // its collateral is this evidence's
			if err := source.add(ctx, e, &params); err != nil {
				p.warn(fmt.Errorf("%s: %w", name, err))
			}
			return verify.Judge(ctx, e, params)
		})
	}
	e, err := p.evidence(s)
	if err != nil {
		return 0, err
	}
	if err := source.add(ctx, e, &params); err != nil {
		p.warn(err) // the report then says what is missing
	}
	if s.checkout != "" {
		if params.Checkout, err = s.checkoutFor(e); err != nil {
			return 0, err
		}
	}
	r := verify.Judge(ctx, e, params)
	// Images are read, and a registry asked, only now: a forgery gets nothing fetched.
	if r.ExitCode != report.ExitInvalid {
		if params.Derived = s.derivedImage(ctx, e); params.Derived != nil {
			r = verify.Judge(ctx, e, params)
		}
	}
	// A registry is asked only now: a forgery gets nothing fetched.
	if s.provenance == fromTheRegistry && r.ExitCode != report.ExitInvalid {
		if params.Bundle, err = p.registryBundle(ctx, s, e, params.Provenance); err != nil {
			p.warn(err) // the report then says what is missing
		}
		r = verify.Judge(ctx, e, params)
	}
	if s.json {
		err = p.printJSON(r)
	} else {
		err = verdicttable.Write(p.stdout, r, p.style(s.color))
	}
	return r.ExitCode, err
}

// params is what every evidence of this run is judged by.
func (p *program) params(ctx context.Context, s *settings) (verify.Params, error) {
	params := verify.Params{Policy: s.policy, Systems: s.systems, Root: s.root, At: s.at}
	var err error
	if params.Collateral, err = p.collateralFile(s); err != nil {
		return params, err
	}
	if s.provenance != "" && s.provenance != fromTheRegistry {
		if params.Bundle, err = p.files.Read(s.provenance, provenance.MaxSize); err != nil {
			return params, err
		}
	}
	params.Provenance, err = p.provenance(ctx, s)
	return params, err
}

func (p *program) printJSON(v any) error {
	text, err := printable.Document(v)
	if err != nil {
		return err
	}
	_, err = p.stdout.Write(text)
	return err
}

package main

import (
	"bytes"
	"context"
	"encoding/json"

	"gitlauncher/internal/printable"
	"gitlauncher/verify"
	"gitlauncher/verify/provenance"
)

// verify judges one evidence, or a batch, and prints the report.
func (p *program) verify(ctx context.Context, s *settings) (int, error) {
	params, err := p.params(ctx, s)
	if err != nil {
		return 0, err
	}
	source := newCollateralSource(p, s)
	if s.batch {
		return p.batch(ctx, s, params, source)
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
	report := verify.Judge(ctx, e, params)
	// Images are read, and a registry asked, only now: a forgery gets nothing fetched.
	if report.ExitCode != exitInvalid {
		if params.Derived = s.derivedImage(ctx, e); params.Derived != nil {
			report = verify.Judge(ctx, e, params)
		}
	}
	// A registry is asked only now: a forgery gets nothing fetched.
	if s.provenance == fromTheRegistry && report.ExitCode != exitInvalid {
		if params.Bundle, err = p.registryBundle(ctx, s, e, params.Provenance); err != nil {
			p.warn(err) // the report then says what is missing
		}
		report = verify.Judge(ctx, e, params)
	}
	if s.json {
		err = p.printJSON(report)
	} else {
		err = p.printTable(report, s.color)
	}
	return report.ExitCode, err
}

// params is what every evidence of this run is judged by.
func (p *program) params(ctx context.Context, s *settings) (verify.Params, error) {
	params := verify.Params{Policy: s.policy, Systems: s.systems, Root: s.root, At: s.at}
	var err error
	if params.Collateral, err = p.collateralFile(s); err != nil {
		return params, err
	}
	if s.provenance != "" && s.provenance != fromTheRegistry {
		if params.Bundle, err = p.read(s.provenance, provenance.MaxSize); err != nil {
			return params, err
		}
	}
	params.Provenance, err = p.provenance(ctx, s)
	return params, err
}

func (p *program) printJSON(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := p.stdout.Write(printable.JSON(b.Bytes()))
	return err
}

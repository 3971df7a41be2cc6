package main

import (
	"context"
	"fmt"

	"gitlauncher/internal/inputs"
	"gitlauncher/internal/policydraft"
	"gitlauncher/internal/verdicttable"
	"gitlauncher/verify"
	"gitlauncher/verify/report"
)

// policyFrom prints a policy that expects just what an evidence holds. Evidence
// that is not even what it claims to be makes none.
func (p *program) policyFrom(ctx context.Context, s *settings) error {
	e, err := p.evidence(s)
	if err != nil {
		return err
	}
	params, err := p.params(ctx, s)
	if err != nil {
		return err
	}
	if err := newCollateralSource(p, s).add(ctx, e, &params); err != nil {
		p.warn(err)
	}
	r := verify.Judge(ctx, e, params)
	if r.ExitCode == report.ExitInvalid {
		return &inputs.InvalidError{Err: fmt.Errorf("no policy is made of evidence that is not what it claims to be: %s", verdicttable.FirstReason(r))}
	}
	draft, err := policydraft.Of(ctx, e, params, r, p.now())
	if err != nil {
		return err
	}
	_, err = p.stdout.Write(draft)
	return err
}

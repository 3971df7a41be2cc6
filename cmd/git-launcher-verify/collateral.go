package main

import (
	"cmp"
	"context"
	"time"

	"gitlauncher/internal/cli"
	"gitlauncher/internal/pccs"
	"gitlauncher/verify"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
)

// collateralSource fetches Intel's present collateral.
type collateralSource struct {
	client *pccs.Client // nil: nothing is fetched
	root   *quote.Root
	at     time.Time
	own    bool // the evidence's own will do where it has some
}

// newCollateralSource decides whether to fetch. Intel knows nothing of quotes under
// another root, and its present collateral is not valid at another moment than now; a
// service that is named by --pccs is asked all the same.
func newCollateralSource(p *program, s *settings) *collateralSource {
	named := s.pccs != ""
	c := &collateralSource{root: s.root, at: s.at, own: !named && (s.policy.Collateral.Given() || s.atGiven)}
	if !s.offline && s.collateral == "" && (s.root.Intel || named) {
		c.client = pccs.New(cmp.Or(s.pccs, pccs.Intel), s.root, p.now)
	}
	return c
}

// add puts collateral into params where it is wanted and can be had.
func (c *collateralSource) add(ctx context.Context, e *evidence.Evidence, params *verify.Params) error {
	if c.client == nil || params.Collateral != nil || e.Collateral != nil && c.own {
		return nil
	}
	q, err := quote.Parse(e.Quote)
	if err != nil || q.CheckSignatures(ctx, c.root, c.at) != nil {
		return nil // the report says so, and a forgery gets nothing fetched
	}
	params.Collateral, err = c.client.Collateral(ctx, q.FMSPC())
	return err
}

// collateralFile reads --collateral; nil where there is none.
func (p *program) collateralFile(s *settings) (*quote.Collateral, error) {
	if s.collateral == "" {
		return nil, nil
	}
	data, err := p.files.Read(s.collateral, quote.MaxCollateral)
	if err != nil {
		return nil, err
	}
	c, err := quote.ParseCollateral(data)
	if err != nil {
		return nil, cli.Usagef("%s: %w", s.collateral, err)
	}
	return c, nil
}

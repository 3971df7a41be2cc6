package main

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"time"

	"gitlauncher/internal/printable"
	"gitlauncher/verify"
	"gitlauncher/verify/provenance"
	"gitlauncher/verify/quote"
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
		if params.Checkout, err = p.checkoutFor(s, e); err != nil {
			return 0, err
		}
	}
	report := verify.Judge(ctx, e, params)
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
	params := verify.Params{Policy: s.policy, Root: s.root, At: s.at}
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

// collateralSource fetches collateral for evidence that has none, once for each
// processor family.
type collateralSource struct {
	pccs   *pccs // nil: nothing is fetched
	root   *quote.Root
	at     time.Time
	always bool // also where the evidence has some
	mu     sync.Mutex
	have   map[string]fetched
}

type fetched struct {
	collateral *quote.Collateral
	err        error
}

func newCollateralSource(p *program, s *settings) *collateralSource {
	c := &collateralSource{root: s.root, at: s.at, always: s.pccs != "", have: make(map[string]fetched)}
	base := s.pccs
	if base == "" {
		base = intelPCS
	}
	// Intel knows nothing of quotes under another root.
	if !s.offline && s.collateral == "" && (s.root.Intel || c.always) {
		c.pccs = newPCCS(base, s.root, p.now)
	}
	return c
}

// add puts collateral into params where it is needed and can be had.
func (c *collateralSource) add(ctx context.Context, e *verify.Evidence, params *verify.Params) error {
	if c.pccs == nil || params.Collateral != nil || e.Collateral != nil && !c.always {
		return nil
	}
	q, err := quote.Parse(e.Quote)
	if err != nil || q.CheckSignatures(ctx, c.root, c.at) != nil {
		return nil // the report says so, and a forgery gets nothing fetched
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.have[q.FMSPC()]
	if !ok {
		f.collateral, f.err = c.pccs.collateral(ctx, q.FMSPC())
		c.have[q.FMSPC()] = f
	}
	params.Collateral = f.collateral
	return f.err
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

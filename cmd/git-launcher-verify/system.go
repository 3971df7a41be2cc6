package main

import (
	"context"
	"io"

	"gitlauncher/internal/cli"
	"gitlauncher/internal/inputs"
	"gitlauncher/internal/systemtext"
	"gitlauncher/verify/boot"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/system"
)

// system explains check B of an evidence.
func (p *program) system(_ context.Context, s *settings) (int, error) {
	e, err := p.evidence(s)
	if err != nil {
		return 0, err
	}
	q, err := quote.Parse(e.Quote)
	if err != nil {
		return 0, &inputs.InvalidError{Err: err}
	}
	images, err := boot.Images(s.policy, s.systems)
	if err != nil {
		return 0, &cli.UsageError{Err: err}
	}
	claimed := len(images) == 0
	if claimed {
		image, ok := boot.Claimed(e, q, s.systems)
		if !ok {
			image = system.Image{Name: "unknown"}
		}
		images = []system.Image{image}
	}
	r, err := boot.Derive(e, q, images, s.policy, s.systems)
	if err != nil {
		p.warn(err)
	}
	out := systemtext.Of(e, r, images, claimed, s.systems)
	if s.json {
		err = p.printJSON(out)
	} else {
		_, err = io.WriteString(p.stdout, out.Text())
	}
	return systemtext.ExitCode(r), err
}

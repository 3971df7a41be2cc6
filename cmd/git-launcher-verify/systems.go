package main

import (
	"context"
	"io"

	"gitlauncher/internal/systemtext"
)

// listSystems lists the catalogue.
func (p *program) listSystems(_ context.Context, s *settings) error {
	_, err := io.WriteString(p.stdout, systemtext.Catalogue(s.systems))
	return err
}

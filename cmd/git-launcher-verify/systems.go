package main

import (
	"io"

	"gitlauncher/internal/systemtext"
)

// listSystems lists the catalogue.
func (p *program) listSystems(s *settings) error {
	_, err := io.WriteString(p.stdout, systemtext.Catalogue(s.systems))
	return err
}

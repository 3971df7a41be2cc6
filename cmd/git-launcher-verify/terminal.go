package main

import (
	"os"

	"golang.org/x/term"

	"gitlauncher/internal/verdicttable"
)

// The widths that the table keeps to, in columns of a terminal.
const (
	widthElsewhere = 110 // where the output is no terminal
	widthLeast     = 48
)

// style follows the terminal, the variable NO_COLOR, and --color before both.
func (p *program) style(color string) verdicttable.Style {
	s := verdicttable.Style{Width: widthElsewhere, Brief: p.quiet}
	f, ok := p.stdout.(*os.File)
	if ok && term.IsTerminal(int(f.Fd())) {
		s.Colour = os.Getenv("NO_COLOR") == ""
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			s.Width = max(w, widthLeast)
		}
	}
	switch color {
	case "always":
		s.Colour = true
	case "never":
		s.Colour = false
	}
	return s
}

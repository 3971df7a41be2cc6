// Package container says what a container must be ([Wanted]), what one is ([Found]), and
// how the two differ ([Traits.Differences]). It asks the Engine nothing and changes
// nothing.
//
// It answers somebody with the Engine's socket who prepares a container under the
// launcher's name and label, or changes the existing one. It compares everything that can
// give a container power or other bytes, or its output to somebody else.
//
// What it does not check: that the Engine tells the truth. The Engine is part of the
// measured system.
//
// Formats: Docker Engine API 1.40 and newer; doc/image-mode.md.
package container

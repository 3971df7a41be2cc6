// Package container says what a container must be ([Wanted]), what one is ([Found]), and
// in what the two differ. It asks the Engine nothing and changes nothing.
//
// It answers somebody with the Engine's socket who prepares a container under the
// launcher's name and label, or changes the one that is there: whatever lends a
// container power, other bytes or a reader of its output is compared.
//
// What it does not check: that the Engine says the truth. It is part of the measured
// system.
//
// Formats: Docker Engine API 1.40 and newer; doc/image-mode.md.
package container

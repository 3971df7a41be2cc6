// Package walktest goes the way that doc/deploy.md shows from nothing to VERIFIED, through an
// upgrade and a rollback, with the page's own commands. The tests of the programs go it on
// this machine itself, those of the images in Docker.
//
// What it replaces in the commands is what a reader replaces, too: the repository's address,
// the image, the port, the folder /tmp, and which of the workloads it is.
//
// Nothing here is linked into a program that ships.
package walktest

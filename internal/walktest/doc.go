// Package walktest follows doc/deploy.md from nothing to VERIFIED, through an upgrade
// and a rollback, with the page's own commands. The tests of the programs do that on
// this machine itself, those of the images in Docker.
//
// It replaces in the commands what a reader replaces, too: the repository's address,
// the image, the port, the folder /tmp, and the name of the workload.
//
// No program of a release links any of it.
package walktest

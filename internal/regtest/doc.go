// Package regtest runs registries and makes images for tests: go-containerregistry's
// registry behind fault knobs, for what a well-behaved one can't be made to do;
// the distribution registry of the system's package docker-registry, plain or
// with a password and TLS; and images built from a static Go program, since tests
// pull nothing from outside.
//
// Nothing here is linked into a program that ships.
package regtest

// Package regtest runs registries and makes images for tests: go-containerregistry's
// registry, which misbehaves on demand, for what a well-behaved one can't be made to
// do; the distribution registry of the system's package docker-registry, plain or with
// a password and TLS; and images built from a static Go program, since tests pull
// nothing from outside.
//
// No program of a release links any of it.
package regtest

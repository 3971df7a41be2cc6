// Package registry fetches the documents of one image repository: indexes, manifests and
// configs by digest, and what a tag names now.
//
// The threats it answers: a registry, a mirror or a proxy that sends something else, keeps
// the launcher waiting, repeats the credential that it was given, or sends it elsewhere by
// a redirect; and a credential that leaves TLS.
//
// It proves nothing: package imagepin hashes every document. This package also hashes what
// a mirror sends, so that a mirror which sends something else costs a warning and not the
// launch.
//
// Like docker, it uses the machine's Docker config or the credential helper that it names,
// the authorities and client certificates below /etc/docker/certs.d, and the Docker
// Engine's mirrors of Docker Hub.
//
// Formats: OCI distribution specification 1.1; Docker's config.json; dockerd's certs.d
// and registry-mirrors.
package registry

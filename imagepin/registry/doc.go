// Package registry fetches the documents of one image repository: indexes, manifests and
// configs by digest, and what a tag names now.
//
// The threats it answers: a registry, a mirror or a proxy between that sends something
// else, keeps the launcher waiting, repeats the credential that it was given, or sends
// it elsewhere by a redirect; and a credential that leaves TLS.
//
// It proves nothing: package imagepin hashes what comes, against the digest that leads to it. Only an answer of a mirror is hashed here too, so that a
// mirror which sends something else costs a warning and not the launch.
//
// What it takes from the machine, as docker does: the credential of the Docker config or
// of the helper that it names, authorities and client certificates below
// /etc/docker/certs.d, and the Docker Engine's mirrors of Docker Hub.
//
// Formats: OCI distribution specification 1.1; Docker's config.json; dockerd's certs.d
// and registry-mirrors.
package registry

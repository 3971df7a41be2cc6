// Package registry fetches the documents of one image repository: indexes, manifests and
// configs by digest, and what a tag names now.
//
// A registry, a mirror or a proxy may send something else. It may keep the launcher waiting,
// repeat the credential that it was given, or send the credential elsewhere by a redirect. A
// credential may leave TLS. The package answers these threats.
//
// It proves nothing: package imagepin hashes every document. This package also hashes what
// a mirror sends, so that a mirror which sends something else costs a warning and not the
// launch.
//
// Like docker, it takes credentials from the machine's Docker config, or from the credential
// helper that the config names. It uses the authorities and client certificates below
// /etc/docker/certs.d, and the Docker Engine's mirrors of Docker Hub.
//
// Formats: OCI distribution specification 1.1; Docker's config.json; dockerd's certs.d
// and registry-mirrors.
package registry

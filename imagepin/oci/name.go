package oci

import (
	"errors"
	"strings"

	"github.com/distribution/reference"
)

// DockerHub is the registry of names that have none.
const DockerHub = "docker.io"

// Name is where an image is found: a registry and a repository in it. The tag
// only labels it; a digest decides.
type Name struct{ domain, path, familiar, tag string }

// ParseName reads [registry[:port]/]name[:tag] by the Docker Engine's own rules,
// so that the launcher and the Engine understand the same by it.
func ParseName(s string) (Name, error) {
	named, err := reference.ParseNormalizedNamed(s)
	if err != nil || strings.HasPrefix(s, "sha256:") {
		return Name{}, errors.New("is not [registry[:port]/]name[:tag]")
	}
	if _, ok := named.(reference.Digested); ok {
		return Name{}, errors.New("has a digest in it; which digest runs is for the approved hashes to say")
	}
	n := Name{domain: reference.Domain(named), path: reference.Path(named), familiar: reference.FamiliarName(named)}
	if tagged, ok := named.(reference.Tagged); ok {
		n.tag = tagged.Tag()
	}
	return n, nil
}

// Domain is the registry's host, with a port where there is one.
func (n Name) Domain() string { return n.domain }

// Path is the repository in the registry.
func (n Name) Path() string { return n.path }

// Tag is the label; it may be empty.
func (n Name) Tag() string { return n.tag }

// String returns the name without a tag, as people write it: nearone/mpc-node.
func (n Name) String() string { return n.familiar }

// At returns name@digest.
func (n Name) At(d Digest) string { return n.familiar + "@" + d.String() }

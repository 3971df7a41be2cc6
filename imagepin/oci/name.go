package oci

import (
	"errors"
	"strings"

	"github.com/distribution/reference"
)

// DockerHub is the registry of a name that has none.
const DockerHub = "docker.io"

// Name is the name of an image: a registry, a repository in it, and perhaps a tag. The tag
// is only a label; a digest decides what runs.
type Name struct{ domain, path, familiar, tag string }

// ParseName reads [registry[:port]/]name[:tag] by the Docker Engine's own rules, so that
// the launcher and the Engine understand it alike.
func ParseName(s string) (Name, error) {
	named, err := reference.ParseNormalizedNamed(s)
	if err != nil || strings.HasPrefix(s, "sha256:") {
		return Name{}, errors.New("is not [registry[:port]/]name[:tag]")
	}
	if _, ok := named.(reference.Digested); ok {
		return Name{}, errors.New("has a digest in it; the approved hashes decide which digest runs")
	}
	n := Name{domain: reference.Domain(named), path: reference.Path(named), familiar: reference.FamiliarName(named)}
	if tagged, ok := named.(reference.Tagged); ok {
		n.tag = tagged.Tag()
	}
	return n, nil
}

// Domain returns the registry's host, with a port where there is one.
func (n Name) Domain() string { return n.domain }

// Path returns the repository in the registry.
func (n Name) Path() string { return n.path }

// Tag returns the tag, or "" where there is none.
func (n Name) Tag() string { return n.tag }

// String returns the name without a tag, as people write it: nearone/mpc-node.
func (n Name) String() string { return n.familiar }

// At returns name@digest.
func (n Name) At(d Digest) string { return n.familiar + "@" + d.String() }

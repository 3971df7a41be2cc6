package oci

import (
	"errors"
	"regexp"
	"strings"
	"sync"
)

// Platform is an operating system, a processor architecture and, for some architectures, a
// variant. The words are those of Go (linux, amd64).
type Platform struct{ OS, Architecture, Variant string }

// DefaultPlatform is the platform of a TDX machine.
var DefaultPlatform = Platform{OS: "linux", Architecture: "amd64"}

// platformPart is compiled only when it is needed, since git mode starts without it.
var platformPart = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9_.]{1,32}$`) })

// ParsePlatform reads os/arch or os/arch/variant.
func ParsePlatform(s string) (Platform, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 {
		return Platform{}, errors.New("is not os/arch or os/arch/variant")
	}
	for _, p := range parts {
		if !platformPart().MatchString(p) {
			return Platform{}, errors.New("is not os/arch or os/arch/variant in lowercase")
		}
	}
	p := Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return p.normal(), nil
}

// normal returns the platform without a variant that means the same as none.
func (p Platform) normal() Platform {
	if p.Architecture == "arm64" && p.Variant == "v8" || p.Architecture == "amd64" && p.Variant == "v1" {
		p.Variant = ""
	}
	return p
}

// Is reports whether both are the same platform. amd64 is not amd64/v3, since a program for
// the latter may not run on the former.
func (p Platform) Is(other Platform) bool { return p.normal() == other.normal() }

// unknown reports whether this is the platform that attestations in an index have.
func (p Platform) unknown() bool { return p.OS == "unknown" && p.Architecture == "unknown" }

// String returns os/arch[/variant].
func (p Platform) String() string {
	s := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxMirrors is how many addresses REPO_MIRRORS may have. Each source has its share of
// the fetch timeout.
const MaxMirrors = 8

// parseMirrors reads addresses with one blank between two. A comma may be part of an
// address where no other address follows it, and a blank never is: a path's is written
// file:///a%20b.
func parseMirrors(v string) ([]RepoURL, error) {
	addresses := strings.Split(v, " ")
	if len(addresses) > MaxMirrors {
		return nil, fmt.Errorf("has more than %d addresses", MaxMirrors)
	}
	var mirrors []RepoURL
	for i, address := range addresses {
		switch {
		case v == "":
			return nil, errors.New("is empty; remove the key")
		case address == "":
			return nil, errors.New("has more than one blank between two addresses")
		case strings.HasSuffix(address, ","), addressBehindComma(address):
			return nil, errors.New("has addresses with a comma between them; one blank stands there")
		}
		u, err := ParseRepoURL(address)
		if err != nil {
			return nil, fmt.Errorf("has as address %d one that %w", i+1, err)
		}
		mirrors = append(mirrors, u)
	}
	return mirrors, nil
}

// addressBehindComma reports whether what stands behind a comma is an address of its own.
func addressBehindComma(address string) bool {
	for _, rest, found := strings.Cut(address, ","); found; _, rest, found = strings.Cut(rest, ",") {
		if _, err := ParseRepoURL(rest); err == nil {
			return true
		}
	}
	return false
}

// joined is what parseMirrors reads.
func joined(mirrors []RepoURL) string {
	var addresses []string
	for _, m := range mirrors {
		addresses = append(addresses, m.String())
	}
	return strings.Join(addresses, " ")
}

// mirrorContradiction says what is wrong with a mirror beside REPO_URL and the others.
func (g *Git) mirrorContradiction() string {
	seen := []string{g.Repo.String()}
	for i, m := range g.Mirrors {
		switch {
		case slices.Contains(seen, m.String()):
			return fmt.Sprintf("has as address %d one that stands before it already, here or in REPO_URL", i+1)
		case m.Scheme == SSH && !m.SameHost(g.Repo):
			return fmt.Sprintf("has as address %d one over ssh, which needs a login, and credentials go to the host of REPO_URL alone; use https", i+1)
		}
		seen = append(seen, m.String())
	}
	return ""
}

// overHTTPS reports whether the repository or a mirror is reached so.
func (g *Git) overHTTPS() bool {
	return slices.ContainsFunc(append([]RepoURL{g.Repo}, g.Mirrors...), func(u RepoURL) bool { return u.Scheme == HTTPS })
}

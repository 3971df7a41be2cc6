package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxMirrors is how many addresses REPO_MIRRORS may have. The sources share the fetch
// timeout, so a long list would leave each too little.
const MaxMirrors = 8

// parseMirrors reads addresses that are separated by one blank each. An address has no
// blank: a path has %20 instead, as in file:///a%20b. An address may have a comma, unless
// another address follows it.
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
			return nil, errors.New("has a comma between two addresses; separate them by one blank")
		}
		u, err := ParseRepoURL(address)
		if err != nil {
			return nil, fmt.Errorf("address %d %w", i+1, err)
		}
		mirrors = append(mirrors, u)
	}
	return mirrors, nil
}

// addressBehindComma reports whether the text after any comma is an address.
func addressBehindComma(address string) bool {
	for _, rest, found := strings.Cut(address, ","); found; _, rest, found = strings.Cut(rest, ",") {
		if _, err := ParseRepoURL(rest); err == nil {
			return true
		}
	}
	return false
}

// joined is the inverse of parseMirrors.
func joined(mirrors []RepoURL) string {
	var addresses []string
	for _, m := range mirrors {
		addresses = append(addresses, m.String())
	}
	return strings.Join(addresses, " ")
}

// mirrorContradiction says how a mirror contradicts REPO_URL or another mirror, or returns
// "".
func (g *Git) mirrorContradiction() string {
	seen := []string{g.Repo.String()}
	for i, m := range g.Mirrors {
		switch {
		case slices.Contains(seen, m.String()):
			return fmt.Sprintf("address %d repeats REPO_URL or an address before it", i+1)
		case m.Scheme == SSH && !m.SameHost(g.Repo):
			return fmt.Sprintf("address %d is over ssh, which needs a login, and credentials go to the host of REPO_URL alone; use https", i+1)
		}
		seen = append(seen, m.String())
	}
	return ""
}

// overHTTPS reports whether the repository or a mirror is reached over https.
func (g *Git) overHTTPS() bool {
	return slices.ContainsFunc(append([]RepoURL{g.Repo}, g.Mirrors...), func(u RepoURL) bool { return u.Scheme == HTTPS })
}

package fetch

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/fetch/remote"
	"gitlauncher/gitpin/lfs"
)

// TestAccessIsRenewed: an SSH host is asked again when the access that it gave has expired,
// and not before. An access that has expired already is refused.
func TestAccessIsRenewed(t *testing.T) {
	now := time.Now()
	given, asked := []time.Time{now.Add(time.Hour), now.Add(2 * time.Hour), now.Add(-time.Hour)}, 0
	s := &lfsServer{
		ask: func() (*lfs.Link, error) { asked++; return &lfs.Link{Expires: given[asked-1]}, nil },
		open: func(*url.URL) (*remote.Web, error) {
			return remote.OpenNamed(t.Context(), config.RepoURL{}, credential.Credentials{}, &url.URL{Scheme: "https", Host: "example.org"}, nil)
		},
	}
	err := s.connect()
	for _, c := range []struct {
		after time.Duration
		asked int
		err   error
	}{{0, 1, nil}, {59 * time.Minute, 1, nil}, {time.Hour, 2, nil}, {time.Hour + time.Minute, 2, nil}, {2 * time.Hour, 3, errAccessExpired}} {
		if err == nil {
			err = s.renew(now.Add(c.after))
		}
		if asked != c.asked || !errors.Is(err, c.err) {
			t.Errorf("after %v: asked %d times, %v", c.after, asked, err)
		}
	}
}

// TestOnThisMachine: a Git LFS server may use http:// only if it and the SSH host are this
// machine.
// SECURITY.md: G12.
func TestOnThisMachine(t *testing.T) {
	for repo, hosts := range map[string]map[string]bool{
		"ssh://git@127.0.0.1:22/r":  {"127.0.0.1": true, "localhost": true, "::1": true, "example.org": false, "169.254.169.254": false},
		"git@localhost:r":           {"127.0.0.1": true, "example.org": false},
		"git@example.org:r":         {"127.0.0.1": false, "localhost": false, "example.org": false},
		"https://example.org/r.git": {"localhost": false},
		"/r.bundle":                 {"localhost": false, "": false},
	} {
		u, err := config.ParseRepoURL(repo)
		if err != nil {
			t.Fatal(err)
		}
		f := &fetcher{params: Params{Repo: u}}
		for host, want := range hosts {
			if f.onThisMachine(host) != want {
				t.Errorf("%s, beside %s: %t", host, repo, !want)
			}
		}
	}
}

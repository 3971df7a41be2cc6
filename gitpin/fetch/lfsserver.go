package fetch

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/fetch/remote"
	"gitlauncher/gitpin/lfs"
)

var (
	// errNoAccess: the SSH host takes too long to say where the contents are.
	errNoAccess = errors.New("the SSH host has not said within the pack timeout where the Git LFS contents are")
	errOver     = errors.New("what " + lfs.AuthenticateCommand + " gave has expired before it could be used")
)

// lfsServer is a Git LFS server, and the way to it.
type lfsServer struct {
	*remote.Web
	api *lfs.Link // where its API is, and what its requests need
	ask func() (*lfs.Link, error)
	to  func(*url.URL) (*remote.Web, error)
}

// lfsServer connects to the server at an address that the tree names, or else to that of the
// repository: derived from its own address, or, over ssh, where its host says.
func (f *fetcher) lfsServer(ctx context.Context, at *url.URL, alive *remote.Pulse) (*lfsServer, error) {
	s := &lfsServer{
		to: func(at *url.URL) (*remote.Web, error) {
			return remote.OpenNamed(ctx, f.params.Repo, f.params.Auth, at, alive)
		},
	}
	repo := f.params.Repo
	switch {
	case repo.Scheme == config.HTTPS, repo.Scheme == config.HTTP:
		web, err := remote.OpenWeb(ctx, repo, f.params.Auth, f.login, alive)
		if err != nil {
			return nil, err
		}
		if at == nil {
			at = web.LFS()
		}
		s.Web, s.api = web, &lfs.Link{To: at}
		return s, nil
	case at != nil:
		s.ask = func() (*lfs.Link, error) { return lfs.Named(at, f.onThisMachine) }
	default:
		s.ask = func() (*lfs.Link, error) { return f.lfsAccess(ctx, alive) }
	}
	return s, s.connect()
}

// renew asks anew for what was given for a time that is over.
func (s *lfsServer) renew(now time.Time) error {
	if !s.api.Expired(now) {
		return nil
	}
	s.Close()
	return s.connect()
}

// connect asks where the server is, and connects to it.
func (s *lfsServer) connect() error {
	api, err := s.ask()
	switch {
	case err != nil:
		return err
	case api.Expired(time.Now()):
		return errOver
	}
	web, err := s.to(api.To)
	if err == nil {
		s.Web, s.api = web, api
	}
	return err
}

// lfsAccess asks the SSH host of the repository where its contents are. What it gives for
// the requests is a secret.
func (f *fetcher) lfsAccess(ctx context.Context, alive *remote.Pulse) (*lfs.Link, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, f.params.PackTimeout, errNoAccess)
	defer cancel()
	repo := f.params.Repo
	text, err := remote.Authenticate(ctx, repo, f.params.Auth, alive, lfs.AuthenticateCommand, lfs.MaxAccess)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	access, err := lfs.ParseAccess(text, remote.GuessLFS(repo), f.onThisMachine, time.Now())
	if err != nil {
		return nil, err
	}
	for _, value := range access.Header {
		f.given = append(f.given, credential.Forms(value)...)
	}
	return access, nil
}

// onThisMachine reports whether a host is this machine, as that of the repository is.
func (f *fetcher) onThisMachine(host string) bool {
	return f.params.Repo.Loopback() && config.Loopback(host)
}

// secrets are what must not be repeated: what the hosts were told, and what they gave.
func (f *fetcher) secrets() []string { return slices.Concat(f.login.Secrets(), f.given) }

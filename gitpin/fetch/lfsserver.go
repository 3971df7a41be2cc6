package fetch

import (
	"context"
	"errors"
	"net/url"
	"os"
	"slices"
	"time"

	"gitlauncher/config"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/fetch/remote"
	"gitlauncher/gitpin/lfs"
)

var (
	errNoAccess      = errors.New("the SSH host has not said within the pack timeout where the Git LFS contents are")
	errAccessExpired = errors.New("the access from " + lfs.AuthenticateCommand + " expired before it could be used")
)

// lfsServer is a connection to a Git LFS server.
type lfsServer struct {
	*remote.Web
	api  *lfs.Link                           // where its API is, and the headers of requests to it
	ask  func() (*lfs.Link, error)           // asks for api
	open func(*url.URL) (*remote.Web, error) // connects to api's address
}

// lfsServer connects to the Git LFS server. at is its address if the tree names one. If at is
// nil, the address follows from that of the repository over HTTP; over SSH, the repository's
// host is asked for it.
func (f *fetcher) lfsServer(ctx context.Context, at *url.URL, alive *remote.Pulse) (*lfsServer, error) {
	s := &lfsServer{
		open: func(at *url.URL) (*remote.Web, error) {
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

// renew asks for the address and connects again if the access has expired.
func (s *lfsServer) renew(now time.Time) error {
	if !s.api.Expired(now) {
		return nil
	}
	s.Close()
	return s.connect()
}

// connect asks for the server's address, and connects to it.
func (s *lfsServer) connect() error {
	api, err := s.ask()
	switch {
	case err != nil:
		return err
	case api.Expired(time.Now()):
		return errAccessExpired
	}
	web, err := s.open(api.To)
	if err == nil {
		s.Web, s.api = web, api
	}
	return err
}

// lfsAccess asks the SSH host of the repository where its contents are. The headers that it
// gives for the requests are secrets.
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
	f.given = append(f.given, access.Secrets()...)
	return access, nil
}

// onThisMachine reports whether a host is this machine, and the repository's host is too.
func (f *fetcher) onThisMachine(host string) bool {
	return f.params.Repo.Loopback() && config.Loopback(host)
}

// secrets lists what must not be repeated: the secrets that hosts and proxies were told, and
// those that hosts gave.
func (f *fetcher) secrets() []string {
	all := f.login.Secrets()
	for _, value := range slices.Concat(f.linked, f.given, remote.ProxySecrets(os.LookupEnv)) {
		all = append(all, credential.Forms(value)...)
	}
	return all
}

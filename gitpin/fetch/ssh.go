package fetch

import (
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"gitlauncher/config"
)

// sshAuth logs in with one key to hosts whose keys are known.
type sshAuth struct {
	*gitssh.PublicKeys
	known *knownhosts.HostKeyDB
	host  string // host:port
}

// ClientConfig asks the server for a host key of a kind that the known-hosts file
// holds; else a server with several keys would seem to have changed its key.
func (a *sshAuth) ClientConfig() (*ssh.ClientConfig, error) {
	return &ssh.ClientConfig{
		User:              a.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(a.Signer)},
		HostKeyCallback:   a.known.HostKeyCallback(),
		HostKeyAlgorithms: a.known.HostKeyAlgorithms(a.host),
		Timeout:           connectTimeout,
	}, nil
}

// newSSHSession logs in. go-git dials and shakes hands without a context, so this
// gives up waiting at the context's end and leaves the attempt to its fate.
func newSSHSession(ctx context.Context, repo config.RepoURL, keyFile, knownHosts string) (session, error) {
	ep, err := transport.NewEndpoint(repo.String())
	if err != nil {
		return nil, errors.New("the repository's URL is malformed")
	}
	pem, err := readCredential(keyFile)
	if err != nil {
		return nil, err
	}
	user := repo.User
	if user == "" {
		user = "git"
	}
	keys, err := gitssh.NewPublicKeys(user, pem, "")
	if err != nil {
		return nil, &CredentialError{keyFile, "is not a private key that can be read without a passphrase"}
	}
	if info, err := os.Stat(knownHosts); err != nil || !info.Mode().IsRegular() {
		return nil, &CredentialError{knownHosts, "can't be opened, or is no regular file"}
	}
	db, err := gitssh.NewKnownHostsDb(knownHosts)
	if err != nil {
		return nil, &CredentialError{knownHosts, "is not a known-hosts file"}
	}
	host := net.JoinHostPort(ep.Host, "22")
	if ep.Port > 0 {
		host = net.JoinHostPort(ep.Host, strconv.Itoa(ep.Port))
	}
	gitssh.DefaultSSHConfig = nil // a ~/.ssh/config must not lead elsewhere
	type opened struct {
		s   session
		err error
	}
	done := make(chan opened, 1)
	go func() {
		s, err := gitssh.NewClient(nil).NewUploadPackSession(ep, &sshAuth{keys, db, host})
		done <- opened{s, err}
	}()
	select {
	case o := <-done:
		return o.s, o.err
	case <-ctx.Done():
		go func() {
			if o := <-done; o.err == nil {
				o.s.Close()
			}
		}()
		return nil, context.Cause(ctx)
	case <-time.After(2 * connectTimeout):
		return nil, errors.New("the SSH server does not finish its handshake")
	}
}

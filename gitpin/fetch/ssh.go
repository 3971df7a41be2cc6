package fetch

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/go-git/go-git/v5/plumbing/transport"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"golang.org/x/crypto/ssh"

	"gitlauncher/config"
)

// sshAuth logs in with one key to hosts whose keys are known.
type sshAuth struct {
	*gitssh.PublicKeys
	known hostKeys
}

// hostKeys are the keys that a host may show.
type hostKeys struct {
	callback   ssh.HostKeyCallback
	algorithms []string
}

// ClientConfig asks the server for a host key of a kind that is known; else a server
// with several keys would seem to have changed its key.
func (a *sshAuth) ClientConfig() (*ssh.ClientConfig, error) {
	return &ssh.ClientConfig{
		User:              a.User,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(a.Signer)},
		HostKeyCallback:   a.known.callback,
		HostKeyAlgorithms: a.known.algorithms,
		Timeout:           connectTimeout,
	}, nil
}

// known reads which keys the host (host:port) may show.
func (c Credentials) known(host string) (hostKeys, error) {
	if c.HostKey != "" {
		return oneHostKey(c.HostKey)
	}
	if info, err := os.Stat(c.KnownHostsFile); err != nil || !info.Mode().IsRegular() {
		return hostKeys{}, &CredentialError{"file " + c.KnownHostsFile, "can't be opened, or is no regular file"}
	}
	db, err := gitssh.NewKnownHostsDb(c.KnownHostsFile)
	if err != nil {
		return hostKeys{}, &CredentialError{"file " + c.KnownHostsFile, "is not a known-hosts file"}
	}
	return hostKeys{db.HostKeyCallback(), db.HostKeyAlgorithms(host)}, nil
}

// errHostKey says that a host showed another key than the one that the config has.
var errHostKey = errors.New("the host's key is not SSH_HOST_KEY: the host has another one, or somebody may be in between")

// oneHostKey reads "<type> <base64>".
func oneHostKey(text string) (hostKeys, error) {
	want, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || len(rest) > 0 {
		return hostKeys{}, &CredentialError{"SSH_HOST_KEY", "is not a key that SSH knows"}
	}
	algorithms := []string{want.Type()}
	if want.Type() == ssh.KeyAlgoRSA { // the type of the key, whose signatures have names of their own
		algorithms = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return hostKeys{func(_ string, _ net.Addr, shown ssh.PublicKey) error {
		if !bytes.Equal(shown.Marshal(), want.Marshal()) {
			return errHostKey
		}
		return nil
	}, algorithms}, nil
}

// newSSHSession logs in. go-git dials and shakes hands without a context, so this
// gives up waiting at the context's end and leaves the attempt to its fate.
func newSSHSession(ctx context.Context, repo config.RepoURL, auth Credentials) (session, error) {
	ep, err := transport.NewEndpoint(repo.String())
	if err != nil {
		return nil, errors.New("the repository's URL is malformed")
	}
	where, pem, err := auth.sshKey()
	if err != nil {
		return nil, err
	}
	user := repo.User
	if user == "" {
		user = "git"
	}
	keys, err := gitssh.NewPublicKeys(user, pem, "")
	if err != nil {
		return nil, &CredentialError{where, "is not a private key that can be read without a passphrase"}
	}
	host := net.JoinHostPort(ep.Host, "22")
	if ep.Port > 0 {
		host = net.JoinHostPort(ep.Host, strconv.Itoa(ep.Port))
	}
	known, err := auth.known(host)
	if err != nil {
		return nil, err
	}
	gitssh.DefaultSSHConfig = nil // a ~/.ssh/config must not lead elsewhere
	type opened struct {
		s   session
		err error
	}
	done := make(chan opened, 1)
	go func() {
		s, err := gitssh.NewClient(nil).NewUploadPackSession(ep, &sshAuth{keys, known})
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

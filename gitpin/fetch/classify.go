package fetch

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// classifyIn is classify for a step that may have failed because the context ended.
func (f *fetcher) classifyIn(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return f.classify(op, err)
}

// classify turns what ended a transfer into an [*Error], in words that are fit for a
// log. Signals, the disk's errors and what is wrong with a credential's file pass
// through.
func (f *fetcher) classify(op string, err error) error {
	var (
		failed *Error
		cred   *CredentialError
		path   *os.PathError
	)
	if errors.As(err, &failed) || errors.As(err, &cred) || errors.As(err, &path) || errors.Is(err, context.Canceled) {
		return err
	}
	reason, err := f.reason(err)
	return &Error{reason, op, &saidError{err, f.token}}
}

// reason says what a failure means, and names its cause more clearly where it can.
func (f *fetcher) reason(err error) (Reason, error) {
	var (
		keyErr  *knownhosts.KeyError
		noKey   *ssh.AlgorithmNegotiationError
		unknown x509.UnknownAuthorityError
		badHost x509.HostnameError
		badCert x509.CertificateInvalidError
	)
	switch {
	case errors.Is(err, errStalled):
		return Stalled, fmt.Errorf("%w of %v", err, f.params.StallTimeout)
	case errors.Is(err, errTimedOut):
		return TimedOut, fmt.Errorf("%w, which is %v", err, f.params.FetchTimeout)
	case errors.As(err, &keyErr):
		what := "is not in the known-hosts file"
		if len(keyErr.Want) > 0 {
			what = "is not the one in the known-hosts file; somebody may be in between"
		}
		return Untrusted, errors.New("the SSH host's key " + what)
	case errors.Is(err, errHostKey):
		return Untrusted, errHostKey
	case errors.As(err, &noKey):
		return Untrusted, errors.New("the SSH host has no key of the type that is expected of it, or no method of ours: " + noKey.Error())
	case errors.As(err, &unknown), errors.As(err, &badHost), errors.As(err, &badCert):
		return Untrusted, err
	case strings.Contains(err.Error(), "ssh: handshake failed"), strings.Contains(err.Error(), "ssh: unable to authenticate"):
		return Auth, errors.New("the SSH server refuses the key")
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed):
		return Auth, f.withStatus(err)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return NotFound, f.withStatus(err)
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return Empty, errors.New("the repository is empty")
	}
	if f.web != nil {
		switch s := f.web.status; {
		case s == http.StatusTooManyRequests, s >= 500:
			return Network, f.withStatus(err)
		case s >= 300 && s != http.StatusNotFound:
			return Unsuitable, f.withStatus(err)
		}
	}
	return Network, err
}

// withStatus adds the HTTP status, which go-git's errors leave out.
func (f *fetcher) withStatus(err error) error {
	if f.web == nil || f.web.status == 0 {
		return err
	}
	return fmt.Errorf("%w (HTTP %d)", err, f.web.status)
}

package remote

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"gitlauncher/gitpin/fetch/credential"
)

// LoginError is a key that the server does not accept.
type LoginError struct{ User string }

func (e *LoginError) Error() string {
	return fmt.Sprintf("the SSH server refuses the key for the user %q", e.User)
}

// HostError is a host whose key is not an expected one.
type HostError struct{ What string }

func (e *HostError) Error() string { return e.What }

// sshError returns a clearer error for what ended a handshake.
func sshError(err error, user string, presented ssh.PublicKey) error {
	var unknown *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	var algorithms *ssh.AlgorithmNegotiationError
	switch text := err.Error(); {
	case errors.Is(err, credential.ErrHostKey):
		return &HostError{fmt.Sprintf("the SSH host's key is not SSH_HOST_KEY; it is %s %s. The host has another one, or somebody may be in between", presented.Type(), ssh.FingerprintSHA256(presented))}
	case errors.As(err, &revoked):
		return &HostError{"the SSH host's key is marked @revoked in the known-hosts file"}
	case errors.As(err, &unknown):
		what := "is not in the known-hosts file"
		if len(unknown.Want) > 0 {
			what = "is not the one in the known-hosts file; somebody may be in between"
		}
		return &HostError{fmt.Sprintf("the SSH host's key %s; it is %s %s", what, presented.Type(), ssh.FingerprintSHA256(presented))}
	case errors.As(err, &algorithms):
		return &HostError{"the SSH host has no key of an expected type, or none of the algorithms known here: " + algorithms.Error()}
	case strings.Contains(text, "ssh: unable to authenticate"): // the library has no types for these
		return &LoginError{user}
	case strings.Contains(text, "overflow reading version string"), strings.Contains(text, "ssh: invalid packet length"):
		return ErrNoSSH
	}
	return err
}

// ErrNoSSH means that something other than an SSH server answers at a port.
var ErrNoSSH = errors.New("the server does not speak SSH at this port")

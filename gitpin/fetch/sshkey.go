package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// signer reads the private key, in any form in which OpenSSH or OpenSSL writes one.
// Errors are *CredentialError, and say what is there instead.
func (c Credentials) signer() (ssh.Signer, error) {
	where, content, err := c.sshKey()
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParsePrivateKey(content)
	if err != nil {
		return nil, &CredentialError{where, keyFault(content, err)}
	}
	return key, nil
}

// keyFault says why a private key can't be read. It does not use the library's words,
// which could one day quote the key.
func keyFault(content []byte, err error) string {
	var locked *ssh.PassphraseMissingError
	text := strings.TrimSpace(string(content))
	begins := func(s ...string) bool {
		for _, s := range s {
			if strings.HasPrefix(text, s) {
				return true
			}
		}
		return false
	}
	switch {
	case text == "":
		return "is empty"
	case errors.As(err, &locked), begins("-----BEGIN ENCRYPTED"):
		return "holds a key with a passphrase, which nobody could type in here; take the passphrase off (ssh-keygen -p -N '')"
	case begins("\xef\xbb\xbf"), bytes.HasPrefix(content, []byte("\xff\xfe")), bytes.HasPrefix(content, []byte("\xfe\xff")):
		return "begins with a byte-order mark; save it as plain ASCII"
	case begins("PuTTY-User-Key-File"):
		return "holds a key in PuTTY's form; export it in OpenSSH's"
	case begins("---- BEGIN SSH2"):
		return "holds a key in the form of RFC 4716; convert it to OpenSSH's (ssh-keygen -i)"
	case begins("ssh-", "ecdsa-", "sk-", "-----BEGIN PUBLIC KEY", "-----BEGIN RSA PUBLIC KEY"):
		return "holds a public key; the private one is needed"
	case begins("-----BEGIN CERTIFICATE"):
		return "holds a certificate; a private key is needed"
	case begins("-----BEGIN DSA"):
		return "holds a DSA key, which SSH servers take no more; make one of another kind (ssh-keygen -t ed25519)"
	case strings.Contains(text, `\n`) && begins("-----BEGIN"):
		return `has \n written out where its lines should end`
	case begins("-----BEGIN") && !strings.Contains(text, "\n"):
		return "has lost its line ends; a key's lines must stay lines"
	case begins("-----BEGIN") && !strings.Contains(text, "-----END"):
		return "holds a private key that is cut off"
	case begins("-----BEGIN"):
		return "holds a private key that can't be read"
	}
	return "holds no private key in PEM (-----BEGIN OPENSSH PRIVATE KEY-----)"
}

var knownHostsLine = regexp.MustCompile(`:(\d+): `)

// knownHostsFault names the line that is wrong, without its content.
func knownHostsFault(err error) string {
	if m := knownHostsLine.FindStringSubmatch(err.Error()); m != nil {
		return "line " + m[1] + " has no host and key"
	}
	return "it can't be read"
}

// sshLoginError is a key that the server does not take.
type sshLoginError struct{ user string }

func (e *sshLoginError) Error() string {
	return fmt.Sprintf("the SSH server refuses the key for the user %q", e.user)
}

// sshHostError is a host's key that is not the expected one.
type sshHostError struct{ what string }

func (e *sshHostError) Error() string { return e.what }

// sshError says what ended a handshake.
func sshError(err error, user string, presented ssh.PublicKey) error {
	var unknown *knownhosts.KeyError
	var revoked *knownhosts.RevokedError
	var algorithms *ssh.AlgorithmNegotiationError
	switch text := err.Error(); {
	case errors.Is(err, errHostKey):
		return &sshHostError{fmt.Sprintf("the SSH host's key is not SSH_HOST_KEY; it is %s %s. The host has another one, or somebody may be in between", presented.Type(), ssh.FingerprintSHA256(presented))}
	case errors.As(err, &revoked):
		return &sshHostError{"the SSH host's key is marked @revoked in the known-hosts file"}
	case errors.As(err, &unknown):
		what := "is not in the known-hosts file"
		if len(unknown.Want) > 0 {
			what = "is not the one in the known-hosts file; somebody may be in between"
		}
		return &sshHostError{fmt.Sprintf("the SSH host's key %s; it is %s %s", what, presented.Type(), ssh.FingerprintSHA256(presented))}
	case errors.As(err, &algorithms):
		return &sshHostError{"the SSH host has no key of the type that is expected of it, or no method of ours: " + algorithms.Error()}
	case strings.Contains(text, "ssh: unable to authenticate"): // the library has no types for these
		return &sshLoginError{user}
	case strings.Contains(text, "overflow reading version string"), strings.Contains(text, "ssh: invalid packet length"):
		return errNoSSH
	}
	return err
}

var errNoSSH = errors.New("the server does not speak SSH at this port")

// sshReason says what an error of an SSH connection means, and reports whether it is one.
func sshReason(err error) (Error, bool) {
	var login *sshLoginError
	var host *sshHostError
	var start *ssh.ExitError
	switch {
	case errors.As(err, &login):
		return Error{Reason: Auth, Err: login}, true
	case errors.As(err, &host):
		return Error{Reason: Untrusted, Err: host}, true
	case errors.Is(err, errNoSSH):
		return Error{Reason: Unsuitable, Err: err}, true
	case errors.As(err, &start):
		return Error{Reason: NotFound, Err: err}, true
	}
	return Error{}, false
}

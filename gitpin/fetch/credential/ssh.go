package credential

import (
	"bytes"
	"errors"
	"net"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// Signer reads the private key, in any form that OpenSSH or OpenSSL writes. Errors are
// [*Error], and say what the file holds instead.
func (c Credentials) Signer() (ssh.Signer, error) {
	where, content, err := c.sshKey()
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParsePrivateKey(content)
	if err != nil {
		return nil, &Error{where, keyFault(content, err)}
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
		return "holds a key with a passphrase, which nobody can type in here; remove the passphrase (ssh-keygen -p -N '')"
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
		return "holds a DSA key, which SSH servers no longer accept; make one of another kind (ssh-keygen -t ed25519)"
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

var knownHostsLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`:(\d+): `) })

// knownHostsFault names the line that is wrong, without quoting it.
func knownHostsFault(err error) string {
	if m := knownHostsLine().FindStringSubmatch(err.Error()); m != nil {
		return "line " + m[1] + " has no host and key"
	}
	return "it can't be read"
}

// HostKeys says which keys a host may present.
type HostKeys struct {
	Callback   ssh.HostKeyCallback
	Algorithms []string // to ask the host for; empty for any
}

// Known reads which keys a host, "host:port", may present. Errors are [*Error].
func (c Credentials) Known(host string) (HostKeys, error) {
	if c.HostKey != "" {
		return oneHostKey(c.HostKey)
	}
	file := c.KnownHostsFile
	if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
		return HostKeys{}, &Error{"file " + file, "can't be opened, or is not a regular file"}
	}
	db, err := knownhosts.NewDB(file)
	if err != nil {
		return HostKeys{}, &Error{"file " + file, "is not a known-hosts file: " + knownHostsFault(err)}
	}
	// A host with several keys must be asked for one of a type that is known. Otherwise it
	// would seem to have changed its key.
	return HostKeys{db.HostKeyCallback(), db.HostKeyAlgorithms(host)}, nil
}

// ErrHostKey means that a host presented a key other than the one in the config.
var ErrHostKey = errors.New("the host's key is not SSH_HOST_KEY")

// oneHostKey reads "<type> <base64>".
func oneHostKey(text string) (HostKeys, error) {
	want, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || len(rest) > 0 {
		return HostKeys{}, &Error{"SSH_HOST_KEY", "is not a key that SSH knows"}
	}
	algorithms := []string{want.Type()}
	if want.Type() == ssh.KeyAlgoRSA { // keys of this type sign by algorithms that have other names
		algorithms = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
	}
	return HostKeys{func(_ string, _ net.Addr, shown ssh.PublicKey) error {
		if !bytes.Equal(shown.Marshal(), want.Marshal()) {
			return ErrHostKey
		}
		return nil
	}, algorithms}, nil
}

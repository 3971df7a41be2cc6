package credential

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// TestKnown: a host may present the key of the config and no other, or one that the
// known-hosts file has for it; and a file that is none is called by what is wrong with it.
// SECURITY.md: G7.
func TestKnown(t *testing.T) {
	key := func(public any) ssh.PublicKey {
		k, err := ssh.NewPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	one, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	two, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	long, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	first, second, third := key(one), key(two), key(&long.PublicKey)
	text := func(k ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k))) }
	file := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(file, []byte("host.example "+text(first)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const host = "host.example:22"
	at := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 22}
	for name, tc := range map[string]struct {
		of         Credentials
		good       ssh.PublicKey
		algorithms []string
	}{
		"the config's key":      {Credentials{HostKey: text(first)}, first, []string{ssh.KeyAlgoED25519}},
		"the config's RSA key":  {Credentials{HostKey: text(third)}, third, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}},
		"it stands over a file": {Credentials{HostKey: text(second), KnownHostsFile: file}, second, []string{ssh.KeyAlgoED25519}},
		"the file's key":        {Credentials{KnownHostsFile: file}, first, []string{ssh.KeyAlgoED25519}},
	} {
		keys, err := tc.of.Known(host)
		if err != nil || !slices.Equal(keys.Algorithms, tc.algorithms) {
			t.Errorf("%s: %q, %v", name, keys.Algorithms, err)
			continue
		}
		for _, shown := range []ssh.PublicKey{first, second, third} {
			err := keys.Callback(host, at, shown)
			if good := slices.Equal(shown.Marshal(), tc.good.Marshal()); good != (err == nil) || !good && tc.of.HostKey != "" && !errors.Is(err, ErrHostKey) {
				t.Errorf("%s: a key of type %s: %v", name, shown.Type(), err)
			}
		}
	}
	write := func(name, content string) string {
		p := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	for says, of := range map[string]Credentials{
		"credential SSH_HOST_KEY is not a key that SSH knows":   {HostKey: "ssh-ed25519 AAAA"},
		"is not a key that SSH knows":                           {HostKey: text(first) + "\n" + text(second)},
		"can't be opened, or is not a regular file":             {KnownHostsFile: filepath.Dir(file)},
		"/none can't be opened, or is not a regular file":       {KnownHostsFile: filepath.Dir(file) + "/none"},
		"is not a known-hosts file: line 2 has no host and key": {KnownHostsFile: write("bad", "# a comment\nMARK\n")},
	} {
		_, err := of.Known(host)
		var fault *Error
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "MARK") {
			t.Errorf("%v; want %q", err, says)
		}
	}
}

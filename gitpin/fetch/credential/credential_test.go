package credential

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/config"
)

// TestLogin: the header that each login sends, the secrets that must not be repeated, and
// the tokens that are refused.
func TestLogin(t *testing.T) {
	token := NewSecret("TOKEN", " s3cret+/ \n")
	for _, c := range []struct {
		auth Credentials
		user string
		want string
	}{
		{Credentials{Token: token}, "", "Basic Z2l0OnMzY3JldCsv"},
		{Credentials{Token: token, Scheme: config.Basic}, "me@corp", "Basic bWVAY29ycDpzM2NyZXQrLw=="},
		{Credentials{Token: token, Scheme: config.Bearer}, "", "Bearer s3cret+/"},
		{Credentials{}, "me", ""},
	} {
		l, err := c.auth.Login(config.RepoURL{User: c.user})
		if err != nil || l.Header != c.want {
			t.Errorf("%+v: %q, %v", c, l.Header, err)
		}
		if secrets := strings.Join(l.Secrets(), " "); c.want != "" && (!strings.Contains(secrets, "s3cret%2B%2F") || !strings.Contains(secrets, strings.Fields(c.want)[1])) {
			t.Errorf("secrets are %q", secrets)
		}
	}
	for _, bad := range []string{"", "\n", "two\nlines", "a\x00b", "bell\x07", strings.Repeat("x", maxCredential+1)} {
		_, err := Credentials{Token: NewSecret("TOKEN", bad)}.Login(config.RepoURL{})
		var fault *Error
		if !errors.As(err, &fault) || fault.Where != "variable TOKEN" {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

// TestSizes: a credential of 64 KiB is read, from a variable or a file. One byte more is
// refused.
func TestSizes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	for size, says := range map[int]string{64<<10 - 1: "", 64 << 10: "", 64<<10 + 1: "larger than 64 KiB"} {
		text := strings.Repeat("x", size)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for where, c := range map[string]Credentials{"variable TOKEN": {Token: NewSecret("TOKEN", text)}, "file " + file: {TokenFile: file}} {
			_, err := c.Login(config.RepoURL{})
			var fault *Error
			if says == "" && err != nil || says != "" && (!errors.As(err, &fault) || fault.Where != where || !strings.Contains(fault.Reason, says)) {
				t.Errorf("%s of %d bytes: %v", where, size, err)
			}
		}
	}
}

// TestKeyFaults: a file that is not a private key is called what it is, and never quoted.
func TestKeyFaults(t *testing.T) {
	for content, want := range map[string]string{
		"":    "is empty",
		" \n": "is empty",
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMARK\n-----END ENCRYPTED PRIVATE KEY-----\n": "a passphrase",
		"\xef\xbb\xbf-----BEGIN MARK":                                                        "byte-order mark",
		"\xff\xfe-\x00-\x00":                                                                 "byte-order mark",
		"PuTTY-User-Key-File-2: ssh-rsa\nMARK":                                               "PuTTY",
		"---- BEGIN SSH2 PUBLIC KEY ----\nMARK":                                              "RFC 4716",
		"ssh-ed25519 AAAAMARK me@host":                                                       "public key",
		"-----BEGIN PUBLIC KEY-----\nMARK\n-----END PUBLIC KEY-----\n":                       "public key",
		"-----BEGIN CERTIFICATE-----\nMARK\n-----END CERTIFICATE-----\n":                     "a certificate",
		"-----BEGIN DSA PRIVATE KEY-----\nMARK\n-----END DSA PRIVATE KEY-----\n":             "DSA",
		`-----BEGIN OPENSSH PRIVATE KEY-----\nMARK\n-----END OPENSSH PRIVATE KEY-----\n`:     `\n written out`,
		"-----BEGIN OPENSSH PRIVATE KEY----- MARK -----END OPENSSH PRIVATE KEY-----":         "lost its line ends",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nMARK\n":                                        "cut off",
		"-----BEGIN OPENSSH PRIVATE KEY-----\nTUFSSw==\n-----END OPENSSH PRIVATE KEY-----\n": "can't be read",
		"MARK": "no private key in PEM",
	} {
		file := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Credentials{SSHKeyFile: file}.Signer()
		var fault *Error
		if !errors.As(err, &fault) || fault.Where != "file "+file || !strings.Contains(fault.Reason, want) || strings.Contains(err.Error(), "MARK") {
			t.Errorf("%.40q: %v, not %s", content, err, want)
		}
	}
}

// TestTLSFaults: a certificate or key that can't be used is refused by its file and its
// fault.
func TestTLSFaults(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	cert := write("cert", "-----BEGIN CERTIFICATE-----\nTUFSSw==\n-----END CERTIFICATE-----\n")
	key := write("key", "-----BEGIN PRIVATE KEY-----\nTUFSSw==\n-----END PRIVATE KEY-----\n")
	locked := write("locked", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nTUFSSw==\n-----END ENCRYPTED PRIVATE KEY-----\n")
	old := write("old", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nTUFSSw==\n-----END RSA PRIVATE KEY-----\n")
	for _, c := range []struct {
		auth  Credentials
		where string
		want  string
	}{
		{Credentials{TLSCAFile: key}, key, "holds no certificate in PEM"},
		{Credentials{TLSCAFile: dir + "/none"}, dir + "/none", "can't be opened"},
		{Credentials{TLSCertFile: key, TLSKeyFile: key}, key, "holds no certificate in PEM"},
		{Credentials{TLSCertFile: cert}, cert, "holds no private key in PEM"},
		{Credentials{TLSCertFile: cert, TLSKeyFile: locked}, locked, "a passphrase"},
		{Credentials{TLSCertFile: cert, TLSKeyFile: old}, old, "a passphrase"},
		{Credentials{TLSCertFile: cert, TLSKeyFile: key}, key, "can't be read, or does not belong to the certificate"},
	} {
		_, err := c.auth.TLS()
		var fault *Error
		if !errors.As(err, &fault) || fault.Where != "file "+c.where || !strings.Contains(fault.Reason, c.want) {
			t.Errorf("%+v: %v", c.auth, err)
		}
	}
}

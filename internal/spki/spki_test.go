package spki

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/measure"
)

// made is one key in all its forms.
type made struct {
	cert, public, private []byte // DER
	want                  measure.KeyHash
}

func newKey(t testing.TB) made {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var m made
	var errs [3]error
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}}
	m.cert, errs[0] = x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	m.public, errs[1] = x509.MarshalPKIXPublicKey(key.Public())
	m.private, errs[2] = x509.MarshalPKCS8PrivateKey(key)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	m.want = measure.KeyHashOf(m.public)
	return m
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// TestParseKey: every form of one key has the same hash, and anything else is refused.
// SECURITY.md: E17.
func TestParseKey(t *testing.T) {
	k, other := newKey(t), newKey(t)
	cert, public := block("CERTIFICATE", k.cert), block("PUBLIC KEY", k.public)
	for name, text := range map[string]string{
		"a certificate": cert, "a chain": cert + "\n" + block("CERTIFICATE", other.cert), "a public key": public, "text before it": "subject=CN = x\n" + cert,
		"a certificate in DER": string(k.cert), "a public key in DER": string(k.public), "the hash": k.want.String(), "the hash on a line": k.want.String() + "\n",
	} {
		if got, err := Parse([]byte(text)); err != nil || got != k.want {
			t.Errorf("%s: %s %v", name, got, err)
		}
	}
	for name, c := range map[string]struct{ text, want string }{
		"nothing":                  {"", "is neither"},
		"63 digits":                {k.want.String()[1:], "is neither"},
		"upper case":               {strings.ToUpper(k.want.String()), "is neither"},
		"two hashes":               {k.want.String() + "\n" + other.want.String(), "is neither"},
		"zeros":                    {strings.Repeat("0", 64), "is neither"},
		"more behind a key":        {string(k.public) + "x", "is neither"},
		"more behind DER":          {string(k.cert) + "x", "is neither"},
		"more behind PEM":          {cert + "x", "is no PEM"},
		"two keys":                 {public + block("PUBLIC KEY", other.public), `has a "PUBLIC KEY"`},
		"a key behind a chain":     {cert + public, `has a "PUBLIC KEY"`},
		"a certificate behind one": {public + cert, `has a "PUBLIC KEY"`},
		"a request":                {block("CERTIFICATE REQUEST", k.cert), `has a "CERTIFICATE REQUEST"`},
		"a broken certificate":     {block("CERTIFICATE", k.cert[1:]), "can't be read"},
		"a broken chain":           {cert + block("CERTIFICATE", k.cert[1:]), "can't be read"},
		"a broken key":             {block("PUBLIC KEY", k.cert), "can't be read"},
		"PEM without an end":       {cert[:len(cert)-10], "is no PEM"},
	} {
		if got, err := Parse([]byte(c.text)); err == nil || !got.IsZero() || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %s %v", name, got, err)
		}
	}
	private := block("PRIVATE KEY", k.private)
	for _, text := range []string{private, cert + private, private + cert, strings.ReplaceAll(private, "PRIVATE KEY", "EC PRIVATE KEY")} {
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrPrivate) {
			t.Errorf("%q: %v", text[:30], err)
		}
	}
}

// TestSize: a file at the bound is read, and one above it is not.
func TestSize(t *testing.T) {
	k := newKey(t)
	cert := block("CERTIFICATE", k.cert)
	file := filepath.Join(t.TempDir(), "key")
	for size, want := range map[int]string{MaxSize: "", MaxSize + 1: "is larger than 64 KiB", 10: "is neither"} {
		if err := os.WriteFile(file, []byte(cert + strings.Repeat("\n", MaxSize))[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := Read(file); (err == nil) != (want == "") || err == nil && got != k.want || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d bytes: %s %v", size, got, err)
		}
	}
}

// TestOpenSSL: the hash is the one that the commands of VERIFY.md print.
func TestOpenSSL(t *testing.T) {
	k := newKey(t)
	cmd := exec.Command("bash", "-c", "openssl x509 -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -c1-64")
	cmd.Stdin = strings.NewReader(block("CERTIFICATE", k.cert))
	if out, err := cmd.Output(); err != nil || string(bytes.TrimSpace(out)) != k.want.String() {
		t.Errorf("%s %v", out, err)
	}
}

// FuzzParse: whatever a file holds, it is one key or an error.
func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if k, err := Parse(data); (err == nil) == k.IsZero() {
			t.Errorf("%s %v", k, err)
		}
	})
}

package bundle

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	sigbundle "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/testing/ca"
	"github.com/sigstore/sigstore-go/pkg/tlog"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"gitlauncher/verify/provenance"
)

// data reads a file of sigstore-go's own module: real bundles, real trusted roots.
func data(t testing.TB, name string) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/sigstore/sigstore-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	realBundle = "pkg/testing/data/bundles/sigstore.js@2.0.0-provenance.sigstore.json"
	realSum    = "46d4e2f74c4877316640000a6fdf8a8b59f1e0847667973e9859f774dd31b8f1e0937813b777fb66a2ac67d50540fe34640966eee9fc2ccca387082b4c85cd3c"
)

// publicRoot returns a Verifier that judges by Sigstore's public root.
func publicRoot(t *testing.T) *Verifier {
	t.Helper()
	trusted, err := ParseTrustedRoot(data(t, "pkg/testing/data/trusted-roots/public-good.json"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := New(trusted, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestReal: a release of a GitHub project that published provenance, under
// Sigstore's public root, judged as it deserves.
// SECURITY.md: E10.
func TestReal(t *testing.T) {
	v := publicRoot(t)
	sum, _ := hex.DecodeString(realSum)
	other := append([]byte{^sum[0]}, sum[1:]...)
	sigstore := provenance.Expect{Repos: []string{"sigstore/sigstore-js"}}
	for name, tc := range map[string]struct {
		file   string
		sum    []byte
		want   provenance.Expect
		change func(doc map[string]any)
		says   string // empty: it holds
	}{
		"as it is":               {realBundle, sum, sigstore, nil, ""},
		"repository as a URL":    {realBundle, sum, provenance.Expect{Repos: []string{"https://github.com/sigstore/sigstore-js"}}, nil, ""},
		"its workflow":           {realBundle, sum, provenance.Expect{Repos: sigstore.Repos, Workflows: []string{"other.yml", "release.yml"}}, nil, ""},
		"another workflow":       {realBundle, sum, provenance.Expect{Repos: sigstore.Repos, Workflows: []string{"ci.yml"}}, nil, "no matching CertificateIdentity"},
		"another repository":     {realBundle, sum, provenance.Expect{Repos: []string{"sigstore/sigstore-go"}}, nil, "no matching CertificateIdentity"},
		"a repository's prefix":  {realBundle, sum, provenance.Expect{Repos: []string{"sigstore/sigstore"}}, nil, "no matching CertificateIdentity"},
		"a repository's pattern": {realBundle, sum, provenance.Expect{Repos: []string{"sigstore/.*"}}, nil, "no matching CertificateIdentity"},
		"no repository":          {realBundle, sum, provenance.Expect{Workflows: []string{"release.yml"}}, nil, "no repository is expected"},
		"another digest":         {realBundle, other, sigstore, nil, "provided artifact digest does not match"},
		"another artifact's":     {"examples/bundle-provenance.json", sum, sigstore, nil, "provided artifact digest does not match"},
		"no log entry": {realBundle, sum, sigstore, func(doc map[string]any) {
			delete(doc["verificationMaterial"].(map[string]any), "tlogEntries")
		}, "not enough verified log entries"},
		"payload changed": {realBundle, sum, sigstore, func(doc map[string]any) {
			env := doc["dsseEnvelope"].(map[string]any)
			b, _ := base64.StdEncoding.DecodeString(env["payload"].(string))
			env["payload"] = base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(b), "sigstore-js", "sigstore-jz", 1)))
		}, "does not match envelope payload hash"},
	} {
		t.Run(name, func(t *testing.T) {
			raw := data(t, tc.file)
			if tc.change != nil {
				var doc map[string]any
				if err := json.Unmarshal(raw, &doc); err != nil {
					t.Fatal(err)
				}
				tc.change(doc)
				raw, _ = json.Marshal(doc)
			}
			b := new(sigbundle.Bundle)
			if err := b.UnmarshalJSON(raw); err != nil {
				if tc.says == "" || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("%v; want %q", err, tc.says)
				}
				return // refused already
			}
			got, err := v.verify(b, "sha512", tc.sum, tc.want)
			if (err == nil) != (tc.says == "") || err != nil && !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("%v, %v; want %q", got, err, tc.says)
			}
			if err == nil && (got.Repo != "https://github.com/sigstore/sigstore-js" || len(got.Commit) != 40) {
				t.Errorf("built by %+v", got)
			}
		})
	}
	// Through the front door, the digest is an image's.
	if _, err := v.Verify(data(t, realBundle), "sha256:"+strings.Repeat("0", 64), sigstore); err == nil {
		t.Error("a bundle of something else is taken")
	}
	for junk, says := range map[string]string{
		"": "bundle: ", "{}": "bundle 1: ", "[]": "bundle 1: ", "null": "bundle 1: ",
		strings.Repeat(" ", 1<<20): "bundle: ", strings.Repeat(" ", 1<<20+1): "bundle is larger than 1 MiB",
	} {
		if _, err := v.Verify([]byte(junk), "sha256:"+strings.Repeat("0", 64), sigstore); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.20q, %d bytes: %v", junk, len(junk), err)
		}
	}
}

// TestJSONLines: GitHub's command writes a bundle a line, of which one may be the
// build's and another, say, a list of parts.
func TestJSONLines(t *testing.T) {
	v := publicRoot(t)
	var line bytes.Buffer
	if err := json.Compact(&line, data(t, realBundle)); err != nil {
		t.Fatal(err)
	}
	good := line.String()
	bad := strings.Replace(good, `"payload":"`, `"payload":"AAAA`, 1)
	sum, _ := hex.DecodeString(realSum)
	want := provenance.Expect{Repos: []string{"sigstore/sigstore-js"}}
	for text, says := range map[string]string{
		good + "\n":                 "",
		good + "\n" + good + "\n":   "",
		bad + "\n" + good + "\n":    "",
		bad + "\n" + bad:            "none of 2 bundles holds; the first: ",
		good + "\n{}\n":             "bundle 2: ",
		good + "\n[":                "bundle: ",
		strings.Repeat(bad, 32):     "none of 32 bundles holds",
		strings.Repeat(bad, 33)[1:]: "bundle 1: ",
		strings.Repeat(bad, 33):     "more than 32 bundles in one file",
	} {
		bundles, err := split([]byte(text))
		if err == nil {
			_, err = v.anyOf(bundles, "sha512", sum, want)
		}
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%d bytes, %.40q: %v; want %q", len(text), text, err, says)
		}
	}
}

// authority is a Sigstore of this test: its log from sigstore-go, its
// certificates with GitHub's extensions.
type authority struct {
	*ca.VirtualSigstore
	root, intermediate *x509.Certificate
	key                *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	v, err := ca.NewVirtualSigstore()
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{VirtualSigstore: v}
	rootCert, rootKey, err := ca.GenerateRootCa()
	if err != nil {
		t.Fatal(err)
	}
	a.root = rootCert
	if a.intermediate, a.key, err = ca.GenerateFulcioIntermediate(rootCert, rootKey); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) FulcioCertificateAuthorities() []root.CertificateAuthority {
	return []root.CertificateAuthority{&root.FulcioCertificateAuthority{
		Root: a.root, Intermediates: []*x509.Certificate{a.intermediate},
		ValidityPeriodStart: time.Now().Add(-time.Hour), ValidityPeriodEnd: time.Now().Add(time.Hour),
	}}
}

// claims is what a certificate says of a build.
type claims struct{ issuer, workflow, repo, runner, predicate string }

// entity is a bundle of this test's authority.
type entity struct {
	verify.BaseSignedEntity
	cert     *x509.Certificate
	envelope *dsse.Envelope
	entry    *tlog.Entry
}

func (e *entity) VerificationContent() (verify.VerificationContent, error) {
	return sigbundle.NewCertificate(e.cert), nil
}
func (e *entity) SignatureContent() (verify.SignatureContent, error) {
	return &sigbundle.Envelope{Envelope: e.envelope}, nil
}
func (e *entity) TlogEntries() ([]*tlog.Entry, error) { return []*tlog.Entry{e.entry}, nil }
func (e *entity) Timestamps() ([][]byte, error)       { return nil, nil }
func (e *entity) HasInclusionPromise() bool           { return true }
func (e *entity) HasInclusionProof() bool             { return false }
func (e *entity) Version() (string, error)            { return "v0.3", nil }

func (a *authority) attest(t *testing.T, sum []byte, c claims) *entity {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	san, _ := url.Parse(c.workflow)
	extension := func(n int, v string) pkix.Extension {
		der, _ := asn1.MarshalWithParams(v, "utf8")
		return pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, n}, Value: der}
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), URIs: []*url.URL{san}, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(9 * time.Minute),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning},
		ExtraExtensions: []pkix.Extension{extension(8, c.issuer), extension(11, c.runner), extension(12, c.repo), extension(13, strings.Repeat("9", 40))},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.intermediate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"x","digest":{"sha256":"%x"}}],"predicateType":%q,"predicate":{}}`, sum, c.predicate)
	const typ = "application/vnd.in-toto+json"
	hash := sha256.Sum256(dsse.PAE(typ, []byte(body)))
	sig, err := ecdsa.SignASN1(rand.Reader, key, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	envelope := &dsse.Envelope{PayloadType: typ, Payload: base64.StdEncoding.EncodeToString([]byte(body)), Signatures: []dsse.Signature{{Sig: base64.StdEncoding.EncodeToString(sig)}}}
	entry, err := a.GenerateTlogEntry(cert, envelope, sig, time.Now().Unix(), false)
	if err != nil {
		t.Fatal(err)
	}
	return &entity{cert: cert, envelope: envelope, entry: entry}
}

// TestClaims: a certificate in which any one claim is another is refused.
// SECURITY.md: E10.
func TestClaims(t *testing.T) {
	a := newAuthority(t)
	v, err := New(a, Options{NoSCTs: true})
	if err != nil {
		t.Fatal(err)
	}
	strict, err := New(a, Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum := make([]byte, 32)
	good := claims{issuer, "https://github.com/own/repo/.github/workflows/release.yml@refs/tags/v1", "https://github.com/own/repo", hosted, predicateType}
	want := provenance.Expect{Repos: []string{"own/repo"}, Workflows: []string{".github/workflows/release.yml"}}
	if _, err := v.verify(a.attest(t, sum, good), "sha256", sum, want); err != nil {
		t.Fatal(err)
	}
	if _, err := strict.verify(a.attest(t, sum, good), "sha256", sum, want); err == nil || !strings.Contains(err.Error(), "signed certificate timestamp") {
		t.Errorf("a certificate that is in no log: %v", err)
	}
	other, err := New(newAuthority(t), Options{NoSCTs: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.verify(a.attest(t, sum, good), "sha256", sum, want); err == nil || !strings.Contains(err.Error(), "not enough verified log entries") {
		t.Errorf("another authority's bundle: %v", err)
	}
	for name, tc := range map[string]struct {
		change func(c *claims)
		says   string
	}{
		"issuer":                  {func(c *claims) { c.issuer = "https://issuer.example" }, "expected issuer value"},
		"self-hosted runner":      {func(c *claims) { c.runner = "self-hosted" }, "expected RunnerEnvironment"},
		"source repository":       {func(c *claims) { c.repo = "https://github.com/own/other" }, "expected SourceRepositoryURI"},
		"workflow's repository":   {func(c *claims) { c.workflow = strings.Replace(c.workflow, "own/repo", "evil/repo", 1) }, "expected SAN value"},
		"workflow":                {func(c *claims) { c.workflow = strings.Replace(c.workflow, "release", "test", 1) }, "expected SAN value"},
		"workflow of that name":   {func(c *claims) { c.workflow = strings.Replace(c.workflow, "release.yml", "x/release.yml", 1) }, "expected SAN value"},
		"host that looks like it": {func(c *claims) { c.workflow = strings.Replace(c.workflow, "github.com", "githubxcom", 1) }, "expected SAN value"},
		"predicate":               {func(c *claims) { c.predicate = "https://spdx.dev/Document" }, "bundle is no build provenance"},
	} {
		c := good
		tc.change(&c)
		if got, err := v.verify(a.attest(t, sum, c), "sha256", sum, want); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("another %s: %+v, %v; want %q", name, got, err, tc.says)
		}
	}
	if _, err := v.verify(a.attest(t, sum, good), "sha256", sum, provenance.Expect{Repos: []string{"own/other", "own/repo"}}); err != nil {
		t.Errorf("the second of two repositories: %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	trusted, err := ParseTrustedRoot(data(f, "pkg/testing/data/trusted-roots/public-good.json"))
	if err != nil {
		f.Fatal(err)
	}
	v, err := New(trusted, Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data(f, realBundle))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := v.Verify(b, "sha256:"+strings.Repeat("0", 64), provenance.Expect{Repos: []string{"a/b"}}); err == nil {
			t.Fatalf("taken: %+v", got)
		}
	})
}

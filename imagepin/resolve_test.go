package imagepin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/registry"
	"gitlauncher/imagepin/userconfig"
	"gitlauncher/internal/gittest"
	"gitlauncher/internal/regtest"
	"gitlauncher/internal/testenv"
)

var (
	amd64 = v1.Platform{OS: "linux", Architecture: "amd64"}
	arm64 = v1.Platform{OS: "linux", Architecture: "arm64"}
	armv7 = v1.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}
)

func image(t *testing.T, p v1.Platform, salt string) v1.Image {
	t.Helper()
	i, err := regtest.NewImage(p, v1.Config{}, salt)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func serve(t *testing.T, s *regtest.Server) *regtest.Server {
	t.Helper()
	stop, err := regtest.Start(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return s
}

// push pushes an image, an index or raw bytes, and returns the digest.
func push(t *testing.T, p regtest.Pusher, nameTag string, what any) oci.Digest {
	t.Helper()
	s, err := p.Push(nameTag, what)
	if err != nil {
		t.Fatal(err)
	}
	d, err := oci.ParseDigest(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// repository is a client with the name of its repository.
type repository struct {
	*registry.Client
	name oci.Name
}

func open(t *testing.T, reference string, keychain authn.Keychain, base http.RoundTripper) repository {
	t.Helper()
	name, err := oci.ParseName(reference)
	if err != nil {
		t.Fatal(err)
	}
	c, err := registry.Open(context.Background(), name, registry.Options{Keychain: keychain, Timeout: 2 * time.Second, Base: base})
	if err != nil {
		t.Fatal(err)
	}
	return repository{c, name}
}

// anonymous has no credential.
type anonymous struct{}

func (anonymous) Resolve(authn.Resource) (authn.Authenticator, error) { return authn.Anonymous, nil }

// password has a credential for a single registry.
type password struct{ host, password string }

func (p password) Resolve(r authn.Resource) (authn.Authenticator, error) {
	if r.RegistryStr() != p.host {
		return authn.Anonymous, nil
	}
	return authn.FromConfig(authn.AuthConfig{Username: "user", Password: p.password}), nil
}

func resolveAt(r repository, d oci.Digest, target oci.Platform) (*Image, error) {
	return Resolve(context.Background(), r, r.name, d, target)
}

func digestsOf(t *testing.T, i v1.Image) (manifest, config string) {
	t.Helper()
	m, err := i.Digest()
	c, err2 := i.ConfigName()
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return m.String(), c.String()
}

// TestResolve: from each kind of digest, the platform's image is found, or the error says
// what is wrong and what the index has.
func TestResolve(t *testing.T) {
	s := serve(t, &regtest.Server{})
	p := regtest.Pusher{Host: s.Host}
	i386, one, two, arm := image(t, v1.Platform{OS: "linux", Architecture: "386"}, "0"), image(t, amd64, "1"), image(t, amd64, "2"), image(t, arm64, "3")
	v7 := image(t, armv7, "7")
	attested, err := regtest.Attestation(one)
	if err != nil {
		t.Fatal(err)
	}
	entry := func(i v1.Image, p *v1.Platform) regtest.Entry { return regtest.Entry{Image: i, Platform: p} }
	nest := func(n int, inner v1.ImageIndex) v1.ImageIndex {
		for range n {
			inner = regtest.NewIndex(regtest.Entry{Index: inner})
		}
		return inner
	}
	amd64v3 := v1.Platform{OS: "linux", Architecture: "amd64", Variant: "v3"}
	arm64v8 := v1.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}
	plain := regtest.NewIndex(entry(arm, &arm64), entry(one, &amd64), entry(v7, &armv7), attested)
	for _, c := range []struct {
		name   string
		what   any
		target string
		want   v1.Image
		depth  int
		fault  string
	}{
		{"manifest", one, "linux/amd64", one, 0, ""},
		{"index with an attestation", plain, "linux/amd64", one, 1, ""},
		{"index, another platform", plain, "linux/arm64", arm, 1, ""},
		{"index, a variant", plain, "linux/arm/v7", v7, 1, ""},
		{"arm64 is arm64/v8", regtest.NewIndex(entry(arm, &arm64v8)), "linux/arm64", arm, 1, ""},
		{"nested once", nest(1, plain), "linux/amd64", one, 2, ""},
		{"nested as deep as may be", nest(3, plain), "linux/amd64", one, 4, ""},
		{"nested too deep", nest(4, plain), "linux/amd64", nil, 0, "nested more than 4 deep"},
		{"amd64 beside amd64/v3", regtest.NewIndex(entry(two, &amd64v3), entry(one, &amd64)), "linux/amd64", one, 1, ""},
		{"manifest of another platform", arm, "linux/amd64", nil, 0, "the image is for linux/arm64, not for linux/amd64"},
		{"index without ours", plain, "linux/riscv64", nil, 0, "no image for linux/riscv64 in the index; it has: linux/arm64 (sha256:"},
		{"index without our variant", plain, "linux/arm/v6", nil, 0, "linux/arm/v7 (sha256:"},
		{"index with attestations alone", regtest.NewIndex(attested), "linux/amd64", nil, 0, "it has: nothing"},
		{"empty index", regtest.NewIndex(), "linux/amd64", nil, 0, "it has: nothing"},
		{"two of ours", regtest.NewIndex(entry(one, &amd64), entry(two, &amd64)), "linux/amd64", nil, 0, "2 images for linux/amd64"},
		{"two of ours, one nested", regtest.NewIndex(entry(one, &amd64), regtest.Entry{Index: regtest.NewIndex(entry(two, &amd64))}), "linux/amd64", nil, 0, "2 images for linux/amd64"},
		{"one of ours twice", regtest.NewIndex(entry(one, &amd64), entry(one, &amd64)), "linux/amd64", one, 1, ""},
		{"one of ours twice, once nested", regtest.NewIndex(entry(one, &amd64), regtest.Entry{Index: regtest.NewIndex(entry(one, &amd64))}), "linux/amd64", one, 1, ""},
		{"one of ours twice, nested first", regtest.NewIndex(regtest.Entry{Index: regtest.NewIndex(entry(one, &amd64))}, entry(one, &amd64)), "linux/amd64", one, 2, ""},
		{"an index twice", regtest.NewIndex(regtest.Entry{Index: plain}, regtest.Entry{Index: plain}), "linux/amd64", one, 2, ""},
		{"one of ours twice, once without a platform", regtest.NewIndex(entry(one, &amd64), entry(one, nil)), "linux/amd64", one, 1, ""},
		{"one of ours twice among others", regtest.NewIndex(entry(one, &amd64), entry(arm, &arm64), entry(one, &amd64), entry(two, &amd64)), "linux/amd64", nil, 0, "2 images for linux/amd64"},
		{"no platform given", regtest.NewIndex(entry(one, nil)), "linux/amd64", nil, 0, "it has: no platform (sha256:"},
		{"no platform given for another one", regtest.NewIndex(entry(one, &amd64), entry(two, nil)), "linux/amd64", nil, 0, "an entry names no platform, and the Engine could take it for this one; it has: linux/amd64"},
		{"no platform given for another one, deeper", regtest.NewIndex(entry(one, &amd64), regtest.Entry{Index: regtest.NewIndex(entry(two, nil))}), "linux/amd64", nil, 0, "an entry names no platform"},
		{"index that lies about the platform", regtest.NewIndex(entry(i386, &amd64)), "linux/amd64", nil, 0, "the image is for linux/386"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := push(t, p, "team/image:"+strings.ReplaceAll(c.name, " ", "-")[:4], c.what)
			target, err := oci.ParsePlatform(c.target)
			if err != nil {
				t.Fatal(err)
			}
			got, err := resolveAt(open(t, s.Host+"/team/image", anonymous{}, nil), d, target)
			if c.fault != "" {
				var proof *ProofError
				if !errors.As(err, &proof) || !strings.Contains(err.Error(), c.fault) {
					t.Fatalf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			manifest, config := digestsOf(t, c.want)
			if got.Approved != d || got.Manifest.String() != manifest || got.ConfigID.String() != config || len(got.Indexes) != c.depth || !got.Platform.Is(target) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestDocuments: a registry may have anything under a digest and call it an image.
// SECURITY.md: R1, R2.
func TestDocuments(t *testing.T) {
	s := serve(t, &regtest.Server{})
	p := regtest.Pusher{Host: s.Host}
	one := image(t, amd64, "1")
	push(t, p, "team/image:one", one)
	manifest, err := one.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	size := int64(len(manifest))
	digest, _ := digestsOf(t, one)
	edit := func(change func(m map[string]any)) regtest.Raw {
		var m map[string]any
		if err := json.Unmarshal(manifest, &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		out, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return regtest.Raw{Bytes: out, Type: types.DockerManifestSchema2}
	}
	index := func(mediaType string, size int64) regtest.Raw {
		child := fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d,"platform":{"os":"linux","architecture":"amd64"}}`, mediaType, digest, size)
		return regtest.Raw{Bytes: []byte(`{"schemaVersion":2,"manifests":[` + child + `]}`), Type: types.OCIImageIndex}
	}
	for _, c := range []struct {
		name  string
		what  regtest.Raw
		fault string
	}{
		{"schema 1", regtest.Raw{Bytes: []byte(`{"schemaVersion":1,"name":"x","tag":"y","architecture":"amd64","fsLayers":[],"history":[]}`), Type: types.DockerManifestSchema1}, "schema 1 manifest"},
		{"no media type in the manifest", edit(func(m map[string]any) { delete(m, "mediaType") }), ""},
		{"an index's media type in the manifest", edit(func(m map[string]any) { m["mediaType"] = types.OCIImageIndex }), "calls itself"},
		{"an index's media type on the wire", regtest.Raw{Bytes: manifest, Type: types.DockerManifestList}, ""},
		{"manifest and index in one", edit(func(m map[string]any) { m["manifests"] = []any{} }), "as an index and as an image manifest"},
		{"an artifact", edit(func(m map[string]any) {
			m["config"].(map[string]any)["mediaType"] = "application/vnd.oci.empty.v1+json"
		}), "not a container image"},
		{"a wrong size of the config", edit(func(m map[string]any) { m["config"].(map[string]any)["size"] = 1 }), "the document that names it says 1"},
		{"an index", index(string(types.DockerManifestSchema2), size), ""},
		{"an index with a wrong size", index(string(types.DockerManifestSchema2), size+1), "the document that names it says"},
		{"an index that calls a manifest an index", index(string(types.OCIImageIndex), size), "calls it an index"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := push(t, p, "team/image:raw", c.what)
			_, err := resolveAt(open(t, s.Host+"/team/image", anonymous{}, nil), d, oci.DefaultPlatform)
			var proof *ProofError
			if c.fault == "" && err != nil || c.fault != "" && (!errors.As(err, &proof) || !strings.Contains(err.Error(), c.fault)) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestLyingRegistry: whatever a registry sends, no other image is accepted, and the
// registry's words can't forge a line of a log.
// SECURITY.md: R1, R3, R4.
func TestLyingRegistry(t *testing.T) {
	const secret = "correct-horse"
	s := serve(t, &regtest.Server{Password: secret})
	other := serve(t, &regtest.Server{})
	one := image(t, amd64, "1")
	d := push(t, regtest.Pusher{Host: s.Host, Password: secret}, "team/image:one", one)
	push(t, regtest.Pusher{Host: other.Host}, "team/image:one", one)
	for _, c := range []struct {
		fault  string
		proof  string          // a *ProofError with this
		reason registry.Reason // else a *registry.Error
		status int
		good   bool
	}{
		{fault: "other-bytes@/manifests/", proof: "the registry sent something else"},
		{fault: "other-bytes@/blobs/", proof: "the registry sent something else"},
		{fault: "type=text/html@/manifests/", good: true}, // no hash covers the type, so it is ignored
		{fault: "type=application/vnd.docker.distribution.manifest.list.v2+json@/manifests/", good: true},
		{fault: "garbage@/manifests/", proof: "the registry sent something else"},
		{fault: "truncate@/manifests/", reason: registry.Unreachable},
		{fault: "truncate@/blobs/", reason: registry.Unreachable},
		{fault: "huge@/manifests/", reason: registry.BadAnswer},
		{fault: "hang@/manifests/", reason: registry.Stalled},
		{fault: "drop@/manifests/", reason: registry.Unreachable},
		{fault: "401@/manifests/", reason: registry.Denied, status: 401},
		{fault: "403@/manifests/", reason: registry.Denied, status: 403},
		{fault: "404@/manifests/", reason: registry.NotFound, status: 404},
		{fault: "429@/manifests/", reason: registry.RateLimited, status: 429},
		{fault: "500@/blobs/", reason: registry.Unreachable, status: 500},
		{fault: "503@/v2/", reason: registry.Unreachable, status: 503},
		{fault: "418@/manifests/", reason: registry.BadAnswer, status: 418},
		{fault: "echo@/manifests/", reason: registry.Denied, status: 403},
		{fault: "redirect=http://" + other.Host + "@/blobs/", good: true},
		{fault: "redirect=http://169.254.169.254@/blobs/", reason: registry.Unreachable},
		{fault: "redirect=ftp://" + other.Host + "@/blobs/", reason: registry.Unreachable},
	} {
		t.Run(c.fault, func(t *testing.T) {
			f, err := regtest.ParseFault(c.fault)
			if err != nil {
				t.Fatal(err)
			}
			s.Misbehave(f)
			other.Requests()
			got, err := resolveAt(open(t, s.Host+"/team/image", password{s.Host, secret}, nil), d, oci.DefaultPlatform)
			if c.good {
				if err != nil || got.Approved != d {
					t.Fatalf("%v", err)
				}
			} else if c.proof != "" {
				var e *ProofError
				if !errors.As(err, &e) || !strings.Contains(err.Error(), c.proof) {
					t.Errorf("error %v", err)
				}
			} else {
				var e *registry.Error
				if !errors.As(err, &e) || e.Reason != c.reason || e.Status != c.status {
					t.Errorf("error %v", err)
				}
			}
			if err != nil && strings.ContainsAny(err.Error(), "\x1b\n\x00") {
				t.Errorf("the error holds control characters: %q", err)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error holds the password: %v", err)
			}
			for _, r := range other.Requests() {
				if r.Authorization != "" {
					t.Errorf("a credential went along a redirect: %v", r)
				}
			}
		})
	}
}

func TestTokens(t *testing.T) {
	const secret = "correct-horse"
	s := serve(t, &regtest.Server{Password: secret})
	one := image(t, amd64, "1")
	d := push(t, regtest.Pusher{Host: s.Host, Password: secret}, "team/image:one", regtest.NewIndex(regtest.Entry{Image: one, Platform: &amd64}))
	t.Run("a token that expires is renewed", func(t *testing.T) {
		s.TokenUses = 1
		defer func() { s.TokenUses = 0 }()
		s.Requests()
		if _, err := resolveAt(open(t, s.Host+"/team/image", password{s.Host, secret}, nil), d, oci.DefaultPlatform); err != nil {
			t.Fatal(err)
		}
		tokens := 0
		for _, r := range s.Requests() {
			if r.Path == "/token" {
				tokens++
			}
		}
		if tokens != 3 { // index, manifest, config
			t.Errorf("%d tokens were asked for", tokens)
		}
	})
	for name, keychain := range map[string]authn.Keychain{"no credential": anonymous{}, "a wrong one": password{s.Host, "wrong"}} {
		t.Run(name, func(t *testing.T) {
			_, err := resolveAt(open(t, s.Host+"/team/image", keychain, nil), d, oci.DefaultPlatform)
			var e *registry.Error
			if !errors.As(err, &e) || e.Reason != registry.Denied {
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestConfigDigest: an approved hash may be a config's digest, as in old lists; the error
// says so.
func TestConfigDigest(t *testing.T) {
	s := serve(t, &regtest.Server{})
	one := image(t, amd64, "1")
	push(t, regtest.Pusher{Host: s.Host}, "team/image:v1", regtest.NewIndex(regtest.Entry{Image: one, Platform: &amd64}))
	manifest, config := digestsOf(t, one)
	d, err := oci.ParseDigest(config)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(reference string, d oci.Digest) error {
		r := open(t, reference, anonymous{}, nil)
		_, err := resolveAt(r, d, oci.DefaultPlatform)
		return Explain(context.Background(), r, r.name, d, oci.DefaultPlatform, err)
	}
	var e *ConfigDigestError
	if err := ask(s.Host+"/team/image:v1", d); !errors.As(err, &e) || e.Manifest.String() != manifest {
		t.Errorf("error %v", err)
	}
	if err := ask(s.Host+"/team/image", d); !errors.As(err, &e) || !e.Manifest.IsZero() {
		t.Errorf("without a tag: error %v", err)
	}
	var missing *registry.Error
	if err := ask(s.Host+"/team/image", oci.Sum(nil)); !errors.As(err, &missing) || missing.Reason != registry.NotFound {
		t.Errorf("the digest of nothing: error %v", err)
	}
}

// TestRetries: after a network fault there are more tries, with growing pauses; after a
// refusal there are none.
func TestRetries(t *testing.T) {
	s := serve(t, &regtest.Server{})
	d := push(t, regtest.Pusher{Host: s.Host}, "team/image:one", image(t, amd64, "1"))
	for _, c := range []struct {
		fault  string
		pauses []time.Duration
		good   bool
	}{
		{"503@/manifests/*2", []time.Duration{2 * time.Second, 3 * time.Second}, true},
		{"429@/manifests/*1", []time.Duration{2 * time.Second}, true},
		{"503@/manifests/", []time.Duration{2 * time.Second, 3 * time.Second, 4 * time.Second, 4 * time.Second}, false},
		{"404@/manifests/", nil, false},
		{"403@/manifests/", nil, false},
		{"other-bytes@/manifests/", nil, false},
	} {
		f, err := regtest.ParseFault(c.fault)
		if err != nil {
			t.Fatal(err)
		}
		s.Misbehave(f)
		var pauses []time.Duration
		r := open(t, s.Host+"/team/image", anonymous{}, nil)
		patient := registry.Patient{Client: r.Client, Policy: userconfig.Pull{Retries: 4, Interval: 2 * time.Second, MaxDelay: 4 * time.Second}, Log: slog.New(slog.DiscardHandler),
			Sleep: func(_ context.Context, d time.Duration) error { pauses = append(pauses, d); return nil }}
		_, err = Resolve(context.Background(), patient, r.name, d, oci.DefaultPlatform)
		if (err == nil) != c.good || fmt.Sprint(pauses) != fmt.Sprint(c.pauses) {
			t.Errorf("%s: pauses %v, %v", c.fault, pauses, err)
		}
	}
}

// TestCache: an image is proven again from the shared volume while the registry is down,
// and nothing that the workload writes there is believed.
// SECURITY.md: V2.
func TestCache(t *testing.T) {
	s := serve(t, &regtest.Server{})
	d := push(t, regtest.Pusher{Host: s.Host}, "team/image:one", image(t, amd64, "1"))
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	resolve := func() error {
		r := open(t, s.Host+"/team/image", anonymous{}, nil)
		_, err := Resolve(context.Background(), &Cached{r, root, slog.New(slog.DiscardHandler)}, r.name, d, oci.DefaultPlatform)
		return err
	}
	if err := resolve(); err != nil {
		t.Fatal(err)
	}
	down := &regtest.Fault{Kind: "503"}
	s.Misbehave(down)
	if err := resolve(); err != nil {
		t.Errorf("with the registry down: %v", err)
	}
	victim := dir + "/image-digest.bin"
	if err := os.WriteFile(victim, []byte("the node's"), 0o600); err != nil {
		t.Fatal(err)
	}
	kept := dir + "/.git-launcher/" + d.Hex()
	for name, plant := range map[string]func() error{
		"other bytes": func() error { return os.WriteFile(kept, []byte("{}"), 0o600) },
		"a link":      func() error { return errors.Join(os.Remove(kept), os.Symlink("../image-digest.bin", kept)) },
		"a link out":  func() error { return errors.Join(os.Remove(kept), os.Symlink("/etc/passwd", kept)) },
	} {
		if err := plant(); err != nil {
			t.Fatal(err)
		}
		s.Misbehave(down)
		if err := resolve(); err == nil {
			t.Errorf("%s: was believed", name)
		}
		s.Misbehave()
		if err := resolve(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if data, err := os.ReadFile(victim); err != nil || string(data) != "the node's" {
			t.Errorf("%s: the node's file is now %q, %v", name, data, err)
		}
	}
}

// TestDistribution resolves from the registry that most people run: without a password, and
// with a password and TLS.
func TestDistribution(t *testing.T) {
	cert, pemBytes, err := gittest.Certificate("127.0.0.1", time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pemBytes)
	trusting := http.DefaultTransport.(*http.Transport).Clone()
	trusting.TLSClientConfig = &tls.Config{RootCAs: roots}
	one := image(t, amd64, "1")
	index := regtest.NewIndex(regtest.Entry{Image: image(t, arm64, "2"), Platform: &arm64}, regtest.Entry{Image: one, Platform: &amd64})
	manifest, _ := digestsOf(t, one)
	start := func(t *testing.T, password string, certPEM []byte) *regtest.Distribution {
		d, err := regtest.StartDistribution(t.TempDir(), "127.0.0.1", password, certPEM, keyPEM)
		if errors.Is(err, regtest.ErrNoDistribution) {
			testenv.Skip(t, "%v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(d.Stop)
		return d
	}
	t.Run("open", func(t *testing.T) {
		reg := start(t, "", nil)
		d := push(t, regtest.Pusher{Host: reg.Host}, "team/image:one", index)
		got, err := resolveAt(open(t, reg.Host+"/team/image", anonymous{}, nil), d, oci.DefaultPlatform)
		if err != nil || got.Manifest.String() != manifest {
			t.Errorf("%+v, %v", got, err)
		}
		var e *registry.Error
		if _, err := resolveAt(open(t, reg.Host+"/team/image", anonymous{}, nil), oci.Sum(nil), oci.DefaultPlatform); !errors.As(err, &e) || e.Reason != registry.NotFound {
			t.Errorf("error %v", err)
		}
	})
	t.Run("password and TLS", func(t *testing.T) {
		reg := start(t, "correct-horse", pemBytes)
		d := push(t, regtest.Pusher{Host: reg.Host, Password: "correct-horse", Transport: trusting}, "team/image:one", index)
		got, err := resolveAt(open(t, reg.Host+"/team/image", password{reg.Host, "correct-horse"}, trusting), d, oci.DefaultPlatform)
		if err != nil || got.Manifest.String() != manifest {
			t.Errorf("%+v, %v", got, err)
		}
		var e *registry.Error
		// The same registry under a name that the certificate is not for.
		elsewhere := trusting.Clone()
		elsewhere.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, reg.Host)
		}
		for reason, r := range map[registry.Reason]repository{
			registry.Denied:    open(t, reg.Host+"/team/image", password{reg.Host, "wrong"}, trusting),
			registry.Untrusted: open(t, "registry.example/team/image", password{"registry.example", "correct-horse"}, elsewhere),
		} {
			if _, err := resolveAt(r, d, oci.DefaultPlatform); !errors.As(err, &e) || e.Reason != reason {
				t.Errorf("reason %v: %v", reason, err)
			}
		}
	})
}

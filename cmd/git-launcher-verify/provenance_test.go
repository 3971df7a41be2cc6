package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"gitlauncher/policy"
	"gitlauncher/verify"
)

// sigstoreFile is a file of sigstore-go's own module.
func sigstoreFile(t testing.TB, file string) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/sigstore/sigstore-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(dir)), file)
}

// TestBundleFromRegistry: the bundle is found among an image's referrers, in a
// registry that answers over HTTP.
func TestBundleFromRegistry(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.WithReferrersSupport(true), registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	repo, err := name.NewRepository(strings.TrimPrefix(server.URL, "http://") + "/launcher")
	if err != nil {
		t.Fatal(err)
	}
	push := func(img v1.Image) name.Digest {
		d, err := img.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.Write(repo.Digest(d.String()), img); err != nil {
			t.Fatal(err)
		}
		return repo.Digest(d.String())
	}
	image := push(empty.Image)
	app, _ := json.Marshal(map[string]any{"runner": "docker-compose", "docker_compose_file": "services: {launcher: {image: '" + image.String() + "'}}"})
	s := &settings{policy: new(policy.Policy)}
	if err := s.policy.Read("policy", []byte("LAUNCHER_IMAGE_DIGEST="+image.DigestStr())); err != nil {
		t.Fatal(err)
	}
	e := &verify.Evidence{AppCompose: app}
	if b, err := new(program).fromRegistry(t.Context(), s, e, none); err == nil {
		t.Errorf("a bundle out of nothing: %s", b)
	}
	subject, err := remote.Head(image)
	if err != nil {
		t.Fatal(err)
	}
	attach := func(bundle string) {
		const kind = bundleType + ".v0.3+json"
		artifact := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), kind)
		artifact, err = mutate.AppendLayers(artifact, static.NewLayer([]byte(bundle), kind))
		if err != nil {
			t.Fatal(err)
		}
		push(mutate.Subject(artifact, *subject).(v1.Image))
	}
	for i := range 4 { // anybody's, wherever the registry lists them
		attach(fmt.Sprintf(`{"sbom":%d}`, i))
	}
	if b, err := new(program).fromRegistry(t.Context(), s, e, none); err != nil || !strings.HasPrefix(string(b), `{"sbom":`) {
		t.Errorf("%q, %v", b, err)
	}
	attach(`{"build":"provenance"}`)
	b, err := new(program).fromRegistry(t.Context(), s, e, func(b []byte, digest string) bool {
		return digest == image.DigestStr() && strings.Contains(string(b), "provenance")
	})
	if err != nil || string(b) != `{"build":"provenance"}` {
		t.Errorf("%q, %v", b, err)
	}
}

func none([]byte, string) bool { return false }

// TestBundleOfABatch: --provenance FILE is for each evidence of a batch.
func TestBundleOfABatch(t *testing.T) {
	e := launch(t)
	code, out, errs := run(t, "--batch", "--offline", "--root", e.file("root.pem"), "--collateral", e.file("collateral.json"), "--policy", e.file("policy.conf"), "--provenance-repo", "a/b",
		"--trusted-root", sigstoreFile(t, "pkg/testing/data/trusted-roots/public-good.json"),
		"--provenance", sigstoreFile(t, "pkg/testing/data/bundles/sigstore.js@2.0.0-provenance.sigstore.json"), e.file("receipt.json"))
	if code != 4 || !strings.Contains(out, `"name":"provenance","outcome":"not-allowed"`) {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

package sigstore

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// TestBundle: the bundle is found among an image's referrers, in a
// registry that answers over HTTP.
func TestBundle(t *testing.T) {
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
	if b, err := (Client{}).Bundle(t.Context(), image.String(), none); err == nil {
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
	if b, err := (Client{}).Bundle(t.Context(), image.String(), none); err != nil || !strings.HasPrefix(string(b), `{"sbom":`) {
		t.Errorf("%q, %v", b, err)
	}
	attach(`{"build":"provenance"}`)
	b, err := Client{}.Bundle(t.Context(), image.String(), func(b []byte, digest string) bool {
		return digest == image.DigestStr() && strings.Contains(string(b), "provenance")
	})
	if err != nil || string(b) != `{"build":"provenance"}` {
		t.Errorf("%q, %v", b, err)
	}
}

// TestSilent: nobody waits for Sigstore or a registry beyond the deadline, and the
// error says who did not answer.
func TestSilent(t *testing.T) {
	done := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-done:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(done); s.Close() })
	t.Setenv("HOME", t.TempDir())
	c := Client{Repository: s.URL, Patience: 200 * time.Millisecond}
	host := strings.TrimPrefix(s.URL, "http://")
	for name, call := range map[string]func(context.Context) error{
		s.URL: func(ctx context.Context) error { _, err := c.TrustedRoot(ctx); return err },
		host: func(ctx context.Context) error {
			_, err := c.Bundle(ctx, host+"/x@sha256:"+strings.Repeat("a", 64), none)
			return err
		},
	} {
		if err := call(t.Context()); err == nil || !strings.Contains(err.Error(), name+" gave no answer within 200ms") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func none([]byte, string) bool { return false }

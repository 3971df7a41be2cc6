package images_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"gitlauncher/internal/digest"
	"gitlauncher/internal/images"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// packed returns the path of a tar of a folder.
func packed(t *testing.T, dir string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := errors.Join(w.AddFS(os.DirFS(dir)), w.Close()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestFind: an image, alone or in an index, from a folder, an archive and a registry.
// SECURITY.md: E13.
func TestFind(t *testing.T) {
	image := must(random.Image(100, 2))
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: must(random.Image(10, 1)), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}})
	dir := t.TempDir()
	p := must(layout.Write(dir, empty.Index))
	if err := errors.Join(p.AppendImage(image), p.AppendIndex(index)); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	repo := must(name.NewRepository(strings.TrimPrefix(server.URL, "http://") + "/launcher"))
	if err := errors.Join(remote.Write(repo.Tag("a"), image), remote.WriteIndex(repo.Tag("b"), index)); err != nil {
		t.Fatal(err)
	}
	own := must(digest.Parse(must(image.Digest()).String()))
	whole := must(digest.Parse(must(index.Digest()).String()))
	for _, source := range []string{dir, packed(t, dir), repo.Tag("a").String()} {
		for _, want := range []digest.SHA256{own, whole} {
			got, found, err := images.Find(t.Context(), []string{t.TempDir(), source}, want)
			if err != nil || found != own {
				t.Errorf("%s: %s, %v", source, found, err)
				continue
			}
			layers := must(got.Layers())
			have := must(io.ReadAll(must(layers[1].Uncompressed())))
			expected := must(io.ReadAll(must(must(image.Layers())[1].Uncompressed())))
			if !bytes.Equal(have, expected) || !bytes.Equal(must(got.RawConfigFile()), must(image.RawConfigFile())) {
				t.Errorf("%s: another image", source)
			}
		}
		if _, _, err := images.Find(t.Context(), []string{source}, digest.Of(nil)); !errors.Is(err, images.ErrAbsent) {
			t.Errorf("%s: %v", source, err)
		}
	}
}

// TestForged: a document under another's digest, and an index that leaves a choice.
func TestForged(t *testing.T) {
	image := must(random.Image(100, 1))
	platform := v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}
	two := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: image, Descriptor: platform}, mutate.IndexAddendum{Add: must(random.Image(10, 1)), Descriptor: platform})
	none := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}})
	dir := t.TempDir()
	p := must(layout.Write(dir, empty.Index))
	if err := errors.Join(p.AppendIndex(two), p.AppendIndex(none), p.AppendImage(image)); err != nil {
		t.Fatal(err)
	}
	own := must(image.Digest())
	if err := os.WriteFile(filepath.Join(dir, "blobs", "sha256", own.Hex), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, d := range map[string]v1.Hash{"other bytes than its digest says": own, "several images for linux/amd64": must(two.Digest()), "no image for linux/amd64": must(none.Digest())} {
		if _, _, err := images.Find(t.Context(), []string{dir}, must(digest.Parse(d.String()))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// TestDerivedImage: from a folder of images to a verdict: the launcher's image is the
// expected base and a config, or it is not.
// SECURITY.md: E13.
func TestDerivedImage(t *testing.T) {
	const text = "REPO_URL=https://example.org/r.git\nCOMMIT_SHA=1111111111111111111111111111111111111111\n"
	adding := func(base v1.Image, name string) v1.Image {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(text))})
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
		if err != nil {
			t.Fatal(err)
		}
		image, err := mutate.AppendLayers(base, layer)
		if err != nil {
			t.Fatal(err)
		}
		return image
	}
	base, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	good, evil := adding(base, "etc/git-launcher/config.conf"), adding(base, "usr/bin/bash")
	dir := t.TempDir()
	p, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = errors.Join(p.AppendImage(base), p.AppendImage(good), p.AppendImage(evil))
	}
	if err != nil {
		t.Fatal(err)
	}
	digest := func(image v1.Image) string {
		d, err := image.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return d.String()
	}
	for name, tc := range map[string]struct {
		image v1.Image
		dir   string
		code  int
		says  string
	}{
		"the base and a config": {good, dir, 0, "derived image the audited launcher"},
		"another file":          {evil, dir, 4, "another file than the config"},
		"not to be had":         {good, t.TempDir(), 1, "is in none of the images that were given"},
	} {
		e := launchFile(t, "services:\n  launcher:\n    image: example.org/app@"+digest(tc.image)+"\n    read_only: true\n", text)
		code, out, errs := run(t, "--offline", "--root", e.file("root.pem"), "--collateral", e.file("collateral.json"), "--policy", e.file("policy.conf"),
			"--launcher-image-digest", digest(tc.image), "--launcher-base-digest", digest(base), "--image", tc.dir, e.file("receipt.json"))
		if code != tc.code || !strings.Contains(strings.Join(strings.Fields(out), " "), tc.says) || errs != "" {
			t.Errorf("%s: exit code %d\n%s%s", name, code, out, errs)
		}
	}
	if code, _, errs := run(t, "--image", dir, "x"); code != 2 || !strings.Contains(errs, "--image needs LAUNCHER_BASE_DIGEST") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

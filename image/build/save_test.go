package main

import (
	"archive/tar"
	"bytes"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"gitlauncher/image/build/layer"
	"gitlauncher/internal/testenv"
)

// TestSave: the archive has every image of a folder, with the same config, under its name
// and version; and the Docker Engine loads it.
func TestSave(t *testing.T) {
	epoch := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	o := &options{arch: "amd64", version: "(save-test)", out: t.TempDir()}
	want := make(map[string]v1.Hash)
	for _, image := range []string{"git-launcher-save-test", "dstack-sim-save-test"} {
		d := definition{name: image, title: image, layers: []definedLayer{newLayer("x", []layer.File{{Path: "/" + image, Type: tar.TypeReg, Mode: 0o644, Time: epoch, Data: []byte(image)}})}}
		img, err := d.assemble(o, epoch)
		if err != nil {
			t.Fatal(err)
		}
		if err := writeLayout(filepath.Join(o.out, image), img); err != nil {
			t.Fatal(err)
		}
		if want[image], err = img.ConfigName(); err != nil {
			t.Fatal(err)
		}
	}
	var archive bytes.Buffer
	if err := o.save(&archive); err != nil {
		t.Fatal(err)
	}
	opener := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }
	for image, config := range want {
		tag, err := name.NewTag(image + ":save-test")
		if err != nil {
			t.Fatal(err)
		}
		img, err := tarball.Image(opener, &tag)
		if err != nil {
			t.Errorf("%s: %v", tag, err)
			continue
		}
		if got, err := img.ConfigName(); err != nil || got != config {
			t.Errorf("%s has config %s, want %s, %v", tag, got, config, err)
		}
	}
	if err := exec.Command("docker", "version").Run(); err != nil {
		testenv.Skip(t, "no Docker Engine to load the archive")
	}
	load := exec.Command("docker", "load")
	load.Stdin = &archive
	out, err := load.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for image := range want {
		if !strings.Contains(string(out), "Loaded image: "+image+":save-test\n") {
			t.Errorf("the Engine did not load %s: %s", image, out)
		}
		if out, err := exec.Command("docker", "image", "rm", image+":save-test").CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

// TestSaveNothing: a folder without images is an error that says how to make them.
func TestSaveNothing(t *testing.T) {
	for _, out := range []string{t.TempDir(), filepath.Join(t.TempDir(), "absent")} {
		if err := (&options{out: out}).save(io.Discard); err == nil || !strings.Contains(err.Error(), "make image makes them") {
			t.Errorf("%v", err)
		}
	}
}

func TestTagOf(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.3": "v1.2.3", "(devel)": "devel", "0123abc-dirty": "0123abc-dirty", "": "latest", "()": "latest", ".a/b": "a-b",
		strings.Repeat("a", 129): strings.Repeat("a", 128),
	} {
		if got := tagOf(version); got != want {
			t.Errorf("version %q makes the tag %q, want %q", version, got, want)
		}
	}
}

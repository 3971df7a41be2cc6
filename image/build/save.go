package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// save writes the images of -out as one archive that docker load reads. Older Engines do
// not read an OCI layout. An image's tag is its version.
func (o *options) save(out io.Writer) error {
	layouts, err := os.ReadDir(o.out)
	if err != nil {
		return fmt.Errorf("%w (make image makes them)", err)
	}
	images := make(map[name.Tag]v1.Image)
	for _, l := range layouts {
		if !l.IsDir() {
			continue
		}
		img, err := readLayout(filepath.Join(o.out, l.Name()))
		if err != nil {
			return err
		}
		config, err := img.ConfigFile()
		if err != nil {
			return err
		}
		tag, err := name.NewTag(l.Name() + ":" + tagOf(config.Config.Labels[versionLabel]))
		if err != nil {
			return err
		}
		images[tag] = img
	}
	if len(images) == 0 {
		return errors.New("no images in " + o.out + " (make image makes them)")
	}
	return tarball.MultiWrite(images, out)
}

// notInTags matches what a tag can't have.
var notInTags = regexp.MustCompile(`[^\w.-]+`)

// tagOf returns the tag for a version.
func tagOf(version string) string {
	tag := strings.Trim(notInTags.ReplaceAllString(version, "-"), "-.")
	if tag == "" {
		return "latest"
	}
	return tag[:min(len(tag), 128)]
}

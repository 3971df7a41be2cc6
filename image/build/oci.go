package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	licence      = "Apache-2.0"
	versionLabel = "org.opencontainers.image.version"
)

// assemble makes the OCI image of a definition.
func (d *definition) assemble(o *options, epoch time.Time) (v1.Image, error) {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, dl := range d.layers {
		l, err := dl.made()
		if err != nil {
			return nil, fmt.Errorf("image %s: %w", d.name, err)
		}
		add := mutate.Addendum{Layer: l, History: v1.History{Created: v1.Time{Time: epoch}, CreatedBy: dl.by}, MediaType: types.OCILayer}
		if img, err = mutate.Append(img, add); err != nil {
			return nil, err
		}
	}
	cf, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	cf = cf.DeepCopy()
	cf.Architecture, cf.OS, cf.Created, cf.Config = o.arch, "linux", v1.Time{Time: epoch}, d.config
	cf.Config.Labels = map[string]string{ // JSON sorts the keys
		"org.opencontainers.image.title":    d.title,
		versionLabel:                        o.version,
		"org.opencontainers.image.licenses": licence,
	}
	if o.source != "" {
		cf.Config.Labels["org.opencontainers.image.source"] = o.source
	}
	return mutate.ConfigFile(img, cf)
}

// writeLayout writes an OCI layout that holds one image. It replaces what dir holds.
func writeLayout(dir string, img v1.Image) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	to, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	return to.AppendImage(img)
}

// readLayout reads the one image of a layout.
func readLayout(dir string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, err
	}
	m, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(m.Manifests) != 1 {
		return nil, fmt.Errorf("%s holds %d images, not one", dir, len(m.Manifests))
	}
	return index.Image(m.Manifests[0].Digest)
}

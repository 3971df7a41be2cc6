package oci

import (
	"encoding/json"
	"errors"
	"fmt"

	"gitlauncher/internal/strictjson"
)

// The media types of the documents.
const (
	ociIndex       = "application/vnd.oci.image.index.v1+json"
	dockerIndex    = "application/vnd.docker.distribution.manifest.list.v2+json"
	ociManifest    = "application/vnd.oci.image.manifest.v1+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	ociConfig      = "application/vnd.oci.image.config.v1+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
)

// Accept are the media types of the documents that [ParseDocument] reads.
var Accept = []string{ociIndex, dockerIndex, ociManifest, dockerManifest}

// MaxDocument is the size of the largest document, in bytes: 4 MiB, which every registry
// must accept (OCI distribution specification).
const MaxDocument = 4 << 20

// maxChildren is the largest number of entries in an index. Real ones have far fewer.
const maxChildren = 1000

// ErrSchema1 says that a manifest has the form that Docker gave up in 2017. Its digest does
// not cover all of its bytes.
var ErrSchema1 = errors.New("it is a schema 1 manifest, which can't be proven; push the image again with a current tool")

// Descriptor points to another document.
type Descriptor struct {
	MediaType string
	Digest    Digest
	Size      int64
	Platform  *Platform // nil where the document names none
}

// IsIndex reports whether the descriptor points to a nested index.
func (d Descriptor) IsIndex() bool { return d.MediaType == ociIndex || d.MediaType == dockerIndex }

// IsManifest reports whether the descriptor points to an image manifest.
func (d Descriptor) IsManifest() bool {
	return d.MediaType == ociManifest || d.MediaType == dockerManifest
}

// IsAttestation reports whether the descriptor has the platform unknown/unknown, which marks
// an attestation.
func (d Descriptor) IsAttestation() bool { return d.Platform != nil && d.Platform.unknown() }

// Document is an index or an image manifest. Either Index or Config is not nil.
type Document struct {
	Index  []Descriptor // the entries of an index, in order
	Config *Descriptor  // the config of an image manifest
	Layers int64        // the sum of an image manifest's layer sizes, in bytes, as it states them
}

type rawDescriptor struct {
	MediaType string       `json:"mediaType"`
	Digest    string       `json:"digest"`
	Size      *int64       `json:"size"`
	Platform  *rawPlatform `json:"platform"`
}

type rawPlatform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
}

type rawDocument struct {
	SchemaVersion int              `json:"schemaVersion"`
	MediaType     string           `json:"mediaType"`
	Manifests     *[]rawDescriptor `json:"manifests"`
	Config        *rawDescriptor   `json:"config"`
	Layers        *[]rawDescriptor `json:"layers"`
	FSLayers      json.RawMessage  `json:"fsLayers"`
}

// ParseDocument reads an index or an image manifest. Its members alone decide which it is.
// A media type in it must agree, and may be missing.
func ParseDocument(data []byte) (*Document, error) {
	if len(data) > MaxDocument {
		return nil, fmt.Errorf("it is larger than %d MiB", MaxDocument>>20)
	}
	var raw rawDocument
	if err := strictjson.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	switch {
	case raw.SchemaVersion == 1 || raw.FSLayers != nil:
		return nil, ErrSchema1
	case raw.SchemaVersion != 2:
		return nil, errors.New("it has no schemaVersion 2")
	case raw.Manifests != nil && (raw.Config != nil || raw.Layers != nil):
		return nil, errors.New("it could be read as an index and as an image manifest")
	case raw.Manifests != nil:
		return raw.index()
	case raw.Config != nil && raw.Layers != nil:
		return raw.manifest()
	}
	return nil, errors.New("it is neither an index nor an image manifest")
}

func (raw *rawDocument) index() (*Document, error) {
	if raw.MediaType != "" && raw.MediaType != ociIndex && raw.MediaType != dockerIndex {
		return nil, fmt.Errorf("it is an index, but calls itself %.100q", raw.MediaType)
	}
	if len(*raw.Manifests) > maxChildren {
		return nil, fmt.Errorf("it is an index of more than %d entries", maxChildren)
	}
	doc := &Document{Index: make([]Descriptor, 0, len(*raw.Manifests))}
	for i, r := range *raw.Manifests {
		d, err := r.parse()
		if err != nil {
			return nil, fmt.Errorf("entry %d of the index: %w", i, err)
		}
		doc.Index = append(doc.Index, d)
	}
	return doc, nil
}

func (raw *rawDocument) manifest() (*Document, error) {
	if raw.MediaType != "" && raw.MediaType != ociManifest && raw.MediaType != dockerManifest {
		return nil, fmt.Errorf("it is an image manifest, but calls itself %.100q", raw.MediaType)
	}
	layers := int64(0)
	for i, r := range *raw.Layers {
		layer, err := r.parse()
		if err != nil {
			return nil, fmt.Errorf("layer %d: %w", i, err)
		}
		if layers += layer.Size; layers < 0 {
			return nil, fmt.Errorf("layer %d: the sizes add up to more than a machine can have", i)
		}
	}
	config, err := raw.Config.parse()
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if config.MediaType != ociConfig && config.MediaType != dockerConfig {
		return nil, fmt.Errorf("its config is %.100q, so it is not a container image", config.MediaType)
	}
	return &Document{Config: &config, Layers: layers}, nil
}

func (r *rawDescriptor) parse() (Descriptor, error) {
	if r.MediaType == "" {
		return Descriptor{}, errors.New("has no mediaType")
	}
	digest, err := ParseDigest(r.Digest)
	if err != nil {
		return Descriptor{}, fmt.Errorf("its digest %w", err)
	}
	if r.Size == nil || *r.Size < 0 {
		return Descriptor{}, errors.New("has no size")
	}
	d := Descriptor{MediaType: r.MediaType, Digest: digest, Size: *r.Size}
	if r.Platform != nil {
		p := Platform(*r.Platform).normal()
		d.Platform = &p
	}
	return d, nil
}

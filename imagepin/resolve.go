package imagepin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gitlauncher/imagepin/oci"
	"gitlauncher/imagepin/registry"
	"gitlauncher/internal/printable"
)

// Image is an image whose index, manifest and config are proven: each was hashed,
// and each is named by the one before, from the approved digest on.
type Image struct {
	Name     oci.Name
	Approved oci.Digest   // what was asked for
	Indexes  []oci.Digest // the indexes that led to it, outermost first; none for a manifest
	Manifest oci.Digest
	ConfigID oci.Digest // the config's digest
	Platform oci.Platform
	Config   *oci.Config
	Layers   int64 // the sizes of its layers together, compressed, in bytes
}

// Reference is name@digest with the approved digest, as the container names it.
func (i *Image) Reference() string { return i.Name.At(i.Approved) }

// Source returns documents by digest. The caller hashes them.
type Source interface {
	// Manifest returns an index or a manifest, Blob a config. Errors are
	// *registry.Error.
	Manifest(ctx context.Context, d oci.Digest) ([]byte, error)
	Blob(ctx context.Context, d oci.Digest) ([]byte, error)
}

const (
	maxDepth     = 4  // of indexes in indexes; real ones have one level, rarely two
	maxDocuments = 32 // fetched for one image
)

// Resolve leads from a digest to the one image for a platform, and proves every
// document on the way by its bytes. Errors: *registry.Error, *ProofError,
// *ConfigDigestError.
func Resolve(ctx context.Context, from Source, name oci.Name, digest oci.Digest, target oci.Platform) (*Image, error) {
	r := &resolver{from: from, name: name, root: digest, target: target}
	if err := r.walk(ctx, oci.Descriptor{Digest: digest, Size: -1}, nil); err != nil {
		return nil, err
	}
	switch len(r.found) {
	case 0:
		return nil, r.fail(digest, fmt.Sprintf("no image for %s in the index; it has: %s", target, r.offered()), nil)
	case 1:
		if slices.ContainsFunc(r.unnamed, func(d oci.Digest) bool { return d != r.found[0].Digest }) {
			// containerd takes the platform from such an entry's config, and then the
			// first that fits.
			return nil, r.fail(digest, fmt.Sprintf("an entry names no platform, and others could take it for this one; it has: %s", r.offered()), nil)
		}
	default:
		return nil, r.fail(digest, fmt.Sprintf("%d images for %s in the index, and nothing to choose by; it has: %s", len(r.found), target, r.offered()), nil)
	}
	return r.image(ctx, r.found[0])
}

// resolver walks the indexes below one digest.
type resolver struct {
	from      Source
	name      oci.Name
	root      oci.Digest
	target    oci.Platform
	documents int
	found     []candidate
	unnamed   []oci.Digest // manifests of no platform
	listed    []string     // what the indexes offer, for errors
}

// candidate is a manifest for the target platform.
type candidate struct {
	oci.Descriptor
	config  oci.Descriptor
	indexes []oci.Digest
	layers  int64
}

func (r *resolver) fail(at oci.Digest, reason string, err error) error {
	if at != r.root {
		reason = at.String() + ": " + reason
	}
	return &ProofError{r.name.At(r.root), reason, err}
}

func (r *resolver) offered() string {
	if len(r.listed) == 0 {
		return "nothing"
	}
	return strings.Join(r.listed, ", ")
}

// walk reads the document that d names, below the indexes over it.
func (r *resolver) walk(ctx context.Context, d oci.Descriptor, above []oci.Digest) error {
	if len(above) > maxDepth {
		return r.fail(d.Digest, fmt.Sprintf("indexes are nested more than %d deep", maxDepth), nil)
	}
	doc, err := r.document(ctx, d)
	if err != nil {
		return err
	}
	if doc.Config != nil {
		// An index said "index" or named the platform; a bare manifest says it in
		// its config, which image checks.
		if d.IsIndex() {
			return r.fail(d.Digest, "the index calls it an index, and it is a manifest", nil)
		}
		if !slices.ContainsFunc(r.found, func(c candidate) bool { return c.Digest == d.Digest }) {
			r.found = append(r.found, candidate{d, *doc.Config, above, doc.Layers})
		}
		return nil
	}
	if d.IsManifest() {
		return r.fail(d.Digest, "the index calls it a manifest, and it is an index", nil)
	}
	return r.children(ctx, doc.Index, append(above[:len(above):len(above)], d.Digest))
}

func (r *resolver) children(ctx context.Context, children []oci.Descriptor, above []oci.Digest) error {
	for _, child := range children {
		if child.IsAttestation() {
			continue
		}
		wanted := child.Platform != nil && child.Platform.Is(r.target)
		switch {
		case child.IsIndex() && (child.Platform == nil || wanted):
		case child.IsManifest() && wanted:
			r.list(child)
		default:
			if child.IsManifest() && child.Platform == nil {
				r.unnamed = append(r.unnamed, child.Digest)
			}
			r.list(child)
			continue
		}
		if err := r.walk(ctx, child, above); err != nil {
			return err
		}
	}
	return nil
}

// list notes what an index offers.
func (r *resolver) list(d oci.Descriptor) {
	platform := "no platform"
	if d.Platform != nil {
		platform = printable.Line(d.Platform.String())
	}
	if len(r.listed) < 20 {
		r.listed = append(r.listed, fmt.Sprintf("%s (%s)", platform, d.Digest))
	}
}

// document fetches an index or a manifest, hashes it and reads it.
func (r *resolver) document(ctx context.Context, d oci.Descriptor) (*oci.Document, error) {
	if r.documents++; r.documents > maxDocuments {
		return nil, r.fail(d.Digest, fmt.Sprintf("more than %d documents belong to it", maxDocuments), nil)
	}
	data, err := r.from.Manifest(ctx, d.Digest)
	if err != nil {
		return nil, err
	}
	if err := r.check(d, data); err != nil {
		return nil, err
	}
	doc, err := oci.ParseDocument(data)
	if err != nil {
		return nil, r.fail(d.Digest, err.Error(), err)
	}
	return doc, nil
}

// check hashes what was fetched.
func (r *resolver) check(d oci.Descriptor, data []byte) error {
	if got := oci.Sum(data); got != d.Digest {
		return r.fail(d.Digest, "the registry sent something else, whose digest is "+got.String(), nil)
	}
	if d.Size >= 0 && d.Size != int64(len(data)) {
		return r.fail(d.Digest, fmt.Sprintf("it has %d bytes, and what names it says %d", len(data), d.Size), nil)
	}
	return nil
}

// image proves the config of the one manifest that was found.
func (r *resolver) image(ctx context.Context, c candidate) (*Image, error) {
	data, err := r.from.Blob(ctx, c.config.Digest)
	if err != nil {
		return nil, err
	}
	if err := r.check(c.config, data); err != nil {
		return nil, err
	}
	config, err := oci.ParseConfig(data)
	if err != nil {
		return nil, r.fail(c.config.Digest, err.Error(), err)
	}
	if !config.Platform.Is(r.target) {
		return nil, r.fail(c.config.Digest, fmt.Sprintf("the image is for %s, not for %s", printable.Line(config.Platform.String()), r.target), nil)
	}
	return &Image{
		Name: r.name, Approved: r.root, Indexes: c.indexes, Manifest: c.Digest, ConfigID: c.config.Digest,
		Platform: config.Platform, Config: config, Layers: c.layers,
	}, nil
}

// Tags is what a registry has beside a Source: names that move.
type Tags interface {
	// Tagged returns the bytes of the index or manifest that a tag names now.
	Tagged(ctx context.Context, tag string) ([]byte, error)
}

// Explain looks, after "not found", whether the digest is that of an image's
// config, and if so for the manifest to use instead: among what the name's tag
// has. It returns the error to report, which is err where there is nothing to add.
func Explain(ctx context.Context, from interface {
	Source
	Tags
}, name oci.Name, digest oci.Digest, target oci.Platform, err error) error {
	var missing *registry.Error
	if !errors.As(err, &missing) || missing.Reason != registry.NotFound {
		return err
	}
	data, blobErr := from.Blob(ctx, digest)
	if blobErr != nil || oci.Sum(data) != digest {
		return err
	}
	if _, parseErr := oci.ParseConfig(data); parseErr != nil {
		return err
	}
	tag := name.Tag()
	if tag == "" {
		tag = "latest"
	}
	known := &ConfigDigestError{Reference: name.At(digest)}
	if data, tagErr := from.Tagged(ctx, tag); tagErr == nil {
		image, resolveErr := Resolve(ctx, from, name, oci.Sum(data), target)
		if resolveErr == nil && image.ConfigID == digest {
			known.Manifest = image.Manifest
		}
	}
	return known
}

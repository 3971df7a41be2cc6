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

// Image is an image whose index, manifest and config are proven. Each was hashed, and each
// is named by the document before it; the approved digest names the first.
type Image struct {
	Name     oci.Name
	Approved oci.Digest   // of an index or a manifest
	Indexes  []oci.Digest // the indexes that led to it, outermost first; none for a manifest
	Manifest oci.Digest
	ConfigID oci.Digest // the config's digest
	Platform oci.Platform
	Config   *oci.Config
	Layers   int64 // the sum of its layers' compressed sizes, in bytes
}

// Reference returns name@digest with the approved digest, as the container names it.
func (i *Image) Reference() string { return i.Name.At(i.Approved) }

// Source returns documents by digest. The caller hashes them.
type Source interface {
	// Manifest returns an index or a manifest, and Blob a config. Errors are
	// *[registry.Error].
	Manifest(ctx context.Context, d oci.Digest) ([]byte, error)
	Blob(ctx context.Context, d oci.Digest) ([]byte, error)
}

const (
	maxDepth     = 4  // levels of indexes; real images have one, rarely two
	maxDocuments = 32 // indexes and manifests that are fetched for one image
)

// Resolve finds the one image for the target platform below a digest, and proves every
// document on the way by its bytes. Errors: those of the source, *[ProofError].
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
			// containerd reads the platform of such an entry from its config, and takes the
			// first entry that fits.
			return nil, r.fail(digest, fmt.Sprintf("an entry names no platform, and the Engine could take it for this one; it has: %s", r.offered()), nil)
		}
	default:
		return nil, r.fail(digest, fmt.Sprintf("%d images for %s in the index, and no way to choose; it has: %s", len(r.found), target, r.offered()), nil)
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
	unnamed   []oci.Digest // manifests whose index names no platform for them
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

// walk reads the document that d names. above are the indexes that lead to it.
func (r *resolver) walk(ctx context.Context, d oci.Descriptor, above []oci.Digest) error {
	if len(above) > maxDepth {
		return r.fail(d.Digest, fmt.Sprintf("indexes are nested more than %d deep", maxDepth), nil)
	}
	doc, err := r.document(ctx, d)
	if err != nil {
		return err
	}
	if doc.Config != nil {
		// An index may call it something else. Its platform is checked later, in its config.
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

// list notes an entry of an index, for errors.
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

// check requires that data has the digest and the size that d states.
func (r *resolver) check(d oci.Descriptor, data []byte) error {
	if got := oci.Sum(data); got != d.Digest {
		return r.fail(d.Digest, "the registry sent something else, whose digest is "+got.String(), nil)
	}
	if d.Size >= 0 && d.Size != int64(len(data)) {
		return r.fail(d.Digest, fmt.Sprintf("it has %d bytes, and the document that names it says %d", len(data), d.Size), nil)
	}
	return nil
}

// image proves the config of the manifest that was found, and returns the image.
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

// Tags looks up names that may move.
type Tags interface {
	// Tagged returns the bytes of the index or manifest that a tag names now.
	Tagged(ctx context.Context, tag string) ([]byte, error)
}

// Explain returns a better error than err, or err. Where the registry has no manifest of
// the digest, the digest may be that of an image's config. Explain then looks for the
// manifest to approve instead, below the name's tag, and returns a *[ConfigDigestError].
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

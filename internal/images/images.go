// Package images finds images by digest in a folder or an archive in OCI's layout (as
// docker save writes it), or in a registry.
//
// Nothing is believed here: the caller compares an image's documents and layers with
// its digest. Documents are bounded, archives are not unpacked, and a registry has a
// deadline.
package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"gitlauncher/internal/digest"
	"gitlauncher/internal/strictjson"
)

// maxDocument bounds a manifest, an index or a configuration, in bytes.
const maxDocument = 4 << 20

// patience is how long a registry may take in all.
const patience = 2 * time.Minute

// ErrAbsent says that no source has an image.
var ErrAbsent = errors.New("is in none of the images that were given")

// blobs opens content by its digest.
type blobs interface {
	open(d digest.SHA256) (io.ReadCloser, error)
}

// Find returns the image of a digest from the first source that has it: a folder, an
// archive, or the name of an image in a registry. If the digest is an index's, it
// returns the index's image for linux/amd64, and that image's own digest.
func Find(ctx context.Context, sources []string, want digest.SHA256) (image v1.Image, own digest.SHA256, err error) {
	var errs []error
	for _, source := range sources {
		from, err := open(ctx, source)
		if err == nil {
			image, own, err = find(from, want)
		}
		if err == nil {
			return image, own, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", source, err))
	}
	return nil, digest.SHA256{}, fmt.Errorf("%s %w: %w", want, ErrAbsent, errors.Join(errs...))
}

func open(ctx context.Context, source string) (blobs, error) {
	info, err := os.Stat(source)
	switch {
	case err == nil && info.IsDir():
		return folder(source), nil
	case err == nil && info.Mode().IsRegular():
		return archive(source), nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	ref, err := name.ParseReference(source)
	if err != nil {
		return nil, fmt.Errorf("is no file, and no image's name either: %w", err)
	}
	return registry{ctx, ref.Context()}, nil
}

func find(from blobs, want digest.SHA256) (v1.Image, digest.SHA256, error) {
	raw, err := document(from, want)
	if err != nil {
		return nil, digest.SHA256{}, err
	}
	var kind struct {
		MediaType types.MediaType `json:"mediaType"`
	}
	if err := strictjson.Unmarshal(raw, &kind); err != nil {
		return nil, digest.SHA256{}, err
	}
	if kind.MediaType.IsIndex() {
		var index v1.IndexManifest
		if err := strictjson.Unmarshal(raw, &index); err != nil {
			return nil, digest.SHA256{}, err
		}
		if want, err = only(index); err != nil {
			return nil, digest.SHA256{}, err
		}
		if raw, err = document(from, want); err != nil {
			return nil, digest.SHA256{}, err
		}
	}
	image, err := partial.CompressedToImage(&core{from, raw})
	return image, want, err
}

// only returns the digest of an index's one image for linux/amd64, which is what runs.
func only(index v1.IndexManifest) (found digest.SHA256, err error) {
	for _, m := range index.Manifests {
		if m.Platform == nil || m.Platform.OS != "linux" || m.Platform.Architecture != "amd64" {
			continue
		}
		if !found.IsZero() {
			return found, errors.New("its index has several images for linux/amd64")
		}
		if found, err = digest.Parse(m.Digest.String()); err != nil {
			return found, err
		}
	}
	if found.IsZero() {
		return found, errors.New("its index has no image for linux/amd64")
	}
	return found, nil
}

// document reads a document and proves it by its digest.
func document(from blobs, d digest.SHA256) ([]byte, error) {
	r, err := from.open(d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxDocument:
		return nil, fmt.Errorf("%s is larger than %d MiB", d, maxDocument>>20)
	case digest.Of(data) != d:
		return nil, fmt.Errorf("%s has other bytes than its digest says", d)
	}
	return data, nil
}

// core is an image for go-containerregistry.
type core struct {
	from     blobs
	manifest []byte
}

func (c *core) RawManifest() ([]byte, error) { return c.manifest, nil }

func (c *core) MediaType() (types.MediaType, error) {
	m, err := v1.ParseManifest(bytes.NewReader(c.manifest))
	if err != nil {
		return "", err
	}
	return m.MediaType, nil
}

func (c *core) RawConfigFile() ([]byte, error) {
	m, err := v1.ParseManifest(bytes.NewReader(c.manifest))
	if err != nil {
		return nil, err
	}
	d, err := digest.Parse(m.Config.Digest.String())
	if err != nil {
		return nil, err
	}
	return document(c.from, d)
}

func (c *core) LayerByDigest(h v1.Hash) (partial.CompressedLayer, error) {
	m, err := v1.ParseManifest(bytes.NewReader(c.manifest))
	if err != nil {
		return nil, err
	}
	for _, l := range m.Layers {
		if l.Digest == h {
			return &layer{c.from, l}, nil
		}
	}
	return nil, fmt.Errorf("the manifest has no layer %s", h)
}

type layer struct {
	from blobs
	of   v1.Descriptor
}

func (l *layer) Digest() (v1.Hash, error)            { return l.of.Digest, nil }
func (l *layer) Size() (int64, error)                { return l.of.Size, nil }
func (l *layer) MediaType() (types.MediaType, error) { return l.of.MediaType, nil }
func (l *layer) Compressed() (io.ReadCloser, error) {
	d, err := digest.Parse(l.of.Digest.String())
	if err != nil {
		return nil, err
	}
	return l.from.open(d)
}

// folder is a folder in OCI's layout.
type folder string

func (f folder) open(d digest.SHA256) (io.ReadCloser, error) {
	return os.Open(filepath.Join(string(f), "blobs", "sha256", d.Hex()))
}

// archive is a tar of such a folder.
type archive string

func (a archive) open(d digest.SHA256) (io.ReadCloser, error) {
	f, err := os.Open(string(a))
	if err != nil {
		return nil, err
	}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("has no %s; docker save writes what an Engine pulled or pushed by digest", d)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		if path.Clean(strings.TrimPrefix(h.Name, "/")) == "blobs/sha256/"+d.Hex() && h.Typeflag == tar.TypeReg {
			return struct {
				io.Reader
				io.Closer
			}{r, f}, nil
		}
	}
}

// registry is a repository in a registry.
type registry struct {
	ctx  context.Context
	repo name.Repository
}

func (r registry) open(d digest.SHA256) (io.ReadCloser, error) {
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	if desc, err := remote.Get(r.repo.Digest(d.String()), options...); err == nil {
		cancel()
		return io.NopCloser(bytes.NewReader(desc.Manifest)), nil
	}
	l, err := remote.Layer(r.repo.Digest(d.String()), options...)
	if err != nil {
		cancel()
		return nil, err
	}
	body, err := l.Compressed()
	if err != nil {
		cancel()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{body, closers{body, cancel}}, nil
}

// closers ends a body and its deadline.
type closers struct {
	body   io.Closer
	cancel context.CancelFunc
}

func (c closers) Close() error {
	defer c.cancel()
	return c.body.Close()
}

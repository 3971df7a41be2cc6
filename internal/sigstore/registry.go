package sigstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"gitlauncher/verify/provenance"
)

// bundleType is how the artifact type of a Sigstore bundle in a registry begins.
const bundleType = "application/vnd.dev.sigstore.bundle"

const maxBundles = 32 // that are read of one image

// Bundle returns a bundle among the referrers of an image, which must be named by
// digest: the first that is good, or else the first. Anybody can put another one beside
// a good one.
func (c Client) Bundle(ctx context.Context, ref string, good func(bundle []byte, digest string) bool) ([]byte, error) {
	image, err := name.NewDigest(ref)
	if err != nil {
		return nil, fmt.Errorf("the launcher's image: %w", err)
	}
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	index, err := remote.Referrers(image, options...)
	if err != nil {
		return nil, fmt.Errorf("referrers of %s: %w", image, c.noAnswer(ctx, image.RegistryStr(), err))
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var first []byte
	var errs []error
	left := maxBundles
	for _, d := range manifest.Manifests {
		if !strings.HasPrefix(d.ArtifactType, bundleType) || left == 0 {
			continue
		}
		left--
		b, err := bundleOf(image.Context().Digest(d.Digest.String()), options)
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", d.Digest, err))
		case good(b, image.DigestStr()):
			return b, nil
		case first == nil:
			first = b
		}
	}
	if first == nil && ctx.Err() != nil {
		return nil, c.noAnswer(ctx, image.RegistryStr(), ctx.Err())
	}
	if first == nil {
		errs = append(errs, fmt.Errorf("the registry has no Sigstore bundle for %s", image))
		return nil, errors.Join(errs...)
	}
	return first, nil
}

// bundleOf reads a bundle: an artifact of one layer.
func bundleOf(ref name.Digest, options []remote.Option) ([]byte, error) {
	artifact, err := remote.Image(ref, options...)
	if err != nil {
		return nil, err
	}
	layers, err := artifact.Layers()
	if err != nil || len(layers) != 1 {
		return nil, errors.New("is not a Sigstore bundle of one layer")
	}
	layer, err := layers[0].Uncompressed()
	if err != nil {
		return nil, err
	}
	defer layer.Close()
	return io.ReadAll(io.LimitReader(layer, provenance.MaxSize+1))
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/sigstore/sigstore-go/pkg/root"

	"gitlauncher/verify"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/provenance"
)

// provenance makes what judges bundles; nil where the policy does not ask.
func (p *program) provenance(ctx context.Context, s *settings) (*provenance.Verifier, error) {
	if !s.policy.Expects("PROVENANCE_REPO") {
		return nil, nil
	}
	var trusted root.TrustedMaterial
	var err error
	switch {
	case s.trustedRoot != "":
		data, err := p.read(s.trustedRoot, provenance.MaxSize)
		if err != nil {
			return nil, err
		}
		if trusted, err = provenance.ParseTrustedRoot(data); err != nil {
			return nil, usagef("%s: %w", s.trustedRoot, err)
		}
	case s.offline:
		return nil, nil // the report says what is missing
	default:
		if trusted, err = root.FetchTrustedRoot(); err != nil {
			p.warn(fmt.Errorf("fetching Sigstore's trusted root: %w (or give --trusted-root FILE)", err))
			return nil, nil // the report says what is missing
		}
	}
	return provenance.New(trusted, provenance.Options{})
}

// bundle puts the bundle that --provenance names into params.
func (p *program) bundle(ctx context.Context, s *settings, e *verify.Evidence, params *verify.Params) (err error) {
	switch s.provenance {
	case "":
	case "registry":
		want := provenance.Expect{Repos: s.policy.Of("PROVENANCE_REPO"), Workflows: s.policy.Of("PROVENANCE_WORKFLOW")}
		params.Bundle, err = fromRegistry(ctx, s, e, func(bundle []byte, digest string) bool {
			if params.Provenance == nil {
				return false
			}
			_, err := params.Provenance.Verify(bundle, digest, want)
			return err == nil
		})
	default:
		params.Bundle, err = p.read(s.provenance, provenance.MaxSize)
	}
	return err
}

// bundleType begins the artifact type of a Sigstore bundle in a registry.
const bundleType = "application/vnd.dev.sigstore.bundle"

const (
	maxBundles      = 32 // of an image are read
	registryTimeout = 2 * time.Minute
)

// fromRegistry finds the bundle among the referrers of the launcher image: the
// first that is good, since anybody's may stand beside it, or else the first. What
// the registry answers is judged like any other bundle.
func fromRegistry(ctx context.Context, s *settings, e *verify.Evidence, good func(bundle []byte, digest string) bool) ([]byte, error) {
	r, err := compose.Judge(ctx, e.AppCompose, compose.Expect{LauncherDigests: s.policy.Of("LAUNCHER_IMAGE_DIGEST"), Allow: s.policy.Of("ALLOW_COMPOSE")})
	if err != nil {
		return nil, err
	}
	image, err := name.NewDigest(r.Image)
	if err != nil {
		return nil, fmt.Errorf("the launcher's image: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, registryTimeout) // the evidence says which registry
	defer cancel()
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	index, err := remote.Referrers(image, options...)
	if err != nil {
		return nil, fmt.Errorf("referrers of %s: %w", image, err)
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
	if first == nil {
		errs = append(errs, fmt.Errorf("the registry has no Sigstore bundle for %s", image))
		return nil, errors.Join(errs...)
	}
	return first, nil
}

// bundleOf reads the artifact that a bundle is: one layer.
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

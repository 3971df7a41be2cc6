package main

import (
	"context"
	"fmt"
	"io"
	"strings"

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
			return nil, fmt.Errorf("fetching Sigstore's trusted root: %w (or give --trusted-root FILE)", err)
		}
	}
	return provenance.New(trusted, provenance.Options{})
}

// bundle puts the bundle that --provenance names into params.
func (p *program) bundle(ctx context.Context, s *settings, e *verify.Evidence, params *verify.Params) (err error) {
	switch s.provenance {
	case "":
	case "registry":
		params.Bundle, err = fromRegistry(ctx, s, e)
	default:
		params.Bundle, err = p.read(s.provenance, provenance.MaxSize)
	}
	return err
}

// bundleType begins the artifact type of a Sigstore bundle in a registry.
const bundleType = "application/vnd.dev.sigstore.bundle"

// fromRegistry finds the bundle among the referrers of the launcher image. What
// the registry answers is judged like any other bundle.
func fromRegistry(ctx context.Context, s *settings, e *verify.Evidence) ([]byte, error) {
	r, err := compose.Judge(ctx, e.AppCompose, compose.Expect{LauncherDigests: s.policy.Of("LAUNCHER_IMAGE_DIGEST"), Allow: s.policy.Of("ALLOW_COMPOSE")})
	if err != nil {
		return nil, err
	}
	image, err := name.NewDigest(r.Image)
	if err != nil {
		return nil, fmt.Errorf("the launcher's image: %w", err)
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	index, err := remote.Referrers(image, options...)
	if err != nil {
		return nil, fmt.Errorf("referrers of %s: %w", image, err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, d := range manifest.Manifests {
		if !strings.HasPrefix(d.ArtifactType, bundleType) {
			continue
		}
		artifact, err := remote.Image(image.Context().Digest(d.Digest.String()), options...)
		if err != nil {
			return nil, err
		}
		layers, err := artifact.Layers()
		if err != nil || len(layers) != 1 {
			return nil, fmt.Errorf("%s: is not a Sigstore bundle of one layer", d.Digest)
		}
		layer, err := layers[0].Uncompressed()
		if err != nil {
			return nil, err
		}
		defer layer.Close()
		return io.ReadAll(io.LimitReader(layer, provenance.MaxSize+1))
	}
	return nil, fmt.Errorf("the registry has no Sigstore bundle for %s", image)
}

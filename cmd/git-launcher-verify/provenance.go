package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/tuf"
	"github.com/theupdateframework/go-tuf/v2/metadata/fetcher"

	"gitlauncher/verify"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/provenance"
)

// provenance makes what judges bundles; nil where the policy does not ask.
func (p *program) provenance(ctx context.Context, s *settings) (*provenance.Verifier, error) {
	if !s.policy.ProvenanceRepo.Given() {
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
		if trusted, err = p.sigstoreRoot(ctx); err != nil {
			p.warn(fmt.Errorf("%w; give it with --trusted-root FILE", err))
			return nil, nil // the report says what is missing
		}
	}
	return provenance.New(trusted, provenance.Options{})
}

// client makes requests on behalf of a context, for a library that has none.
type client func(*http.Request) (*http.Response, error)

// Do makes a request.
func (c client) Do(r *http.Request) (*http.Response, error) { return c(r) }

// sigstoreRoot fetches Sigstore's trusted root through TUF.
func (p *program) sigstoreRoot(ctx context.Context) (root.TrustedMaterial, error) {
	ctx, cancel := p.deadline(ctx)
	defer cancel()
	options := tuf.DefaultOptions()
	if p.sigstore != "" {
		options.RepositoryBaseURL = p.sigstore
	}
	f := fetcher.NewDefaultFetcher() // whose own client waits for ever
	f.SetHTTPClient(client(func(r *http.Request) (*http.Response, error) { return http.DefaultClient.Do(r.WithContext(ctx)) }))
	options.Fetcher = f
	trusted, err := root.FetchTrustedRootWithOptions(options)
	if err != nil {
		return nil, fmt.Errorf("fetching Sigstore's trusted root from %s: %w", options.RepositoryBaseURL, p.noAnswer(ctx, options.RepositoryBaseURL, err))
	}
	return trusted, nil
}

// patience is how long Sigstore and a registry may take in all.
const patience = 2 * time.Minute

func (p *program) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, cmp.Or(p.patience, patience))
}

// noAnswer says in plain words that the deadline has passed.
func (p *program) noAnswer(ctx context.Context, who string, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%s gave no answer within %s", who, cmp.Or(p.patience, patience))
	}
	return err
}

// fromTheRegistry is the --provenance that is no file.
const fromTheRegistry = "registry"

// registryBundle finds the launcher image's bundle that the policy wants.
func (p *program) registryBundle(ctx context.Context, s *settings, e *verify.Evidence, by *provenance.Verifier) ([]byte, error) {
	want := provenance.Expect{Repos: s.policy.ProvenanceRepo.Texts(), Workflows: s.policy.ProvenanceWorkflow.Texts()}
	b, err := p.fromRegistry(ctx, s, e, func(bundle []byte, digest string) bool {
		if by == nil {
			return false
		}
		_, err := by.Verify(bundle, digest, want)
		return err == nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w; give the bundle with --provenance FILE", err)
	}
	return b, nil
}

// bundleType begins the artifact type of a Sigstore bundle in a registry.
const bundleType = "application/vnd.dev.sigstore.bundle"

const maxBundles = 32 // of an image are read

// fromRegistry finds the bundle among the referrers of the launcher image: the
// first that is good, since anybody's may stand beside it, or else the first. What
// the registry answers is judged like any other bundle.
func (p *program) fromRegistry(ctx context.Context, s *settings, e *verify.Evidence, good func(bundle []byte, digest string) bool) ([]byte, error) {
	r, err := compose.Judge(ctx, e.AppCompose, compose.Expect{LauncherDigests: s.policy.LauncherImageDigest.Texts(), Allow: s.policy.AllowCompose.Texts()})
	if err != nil {
		return nil, err
	}
	image, err := name.NewDigest(r.Image)
	if err != nil {
		return nil, fmt.Errorf("the launcher's image: %w", err)
	}
	ctx, cancel := p.deadline(ctx) // the evidence says which registry
	defer cancel()
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	index, err := remote.Referrers(image, options...)
	if err != nil {
		return nil, fmt.Errorf("referrers of %s: %w", image, p.noAnswer(ctx, image.RegistryStr(), err))
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
		return nil, p.noAnswer(ctx, image.RegistryStr(), ctx.Err())
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

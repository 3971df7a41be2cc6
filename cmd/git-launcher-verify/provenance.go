package main

import (
	"context"
	"fmt"

	"github.com/sigstore/sigstore-go/pkg/root"

	"gitlauncher/internal/cli"
	"gitlauncher/verify"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/provenance"
	"gitlauncher/verify/provenance/bundle"
)

// fromTheRegistry is the --provenance that is no file.
const fromTheRegistry = "registry"

// provenance makes what judges bundles; nil where the policy does not ask, or where no
// trusted root can be had. The report then says what is missing.
func (p *program) provenance(ctx context.Context, s *settings) (verify.Provenance, error) {
	if !s.policy.ProvenanceRepo.Given() {
		return nil, nil
	}
	var trusted root.TrustedMaterial
	var err error
	switch {
	case s.trustedRoot != "":
		data, err := p.files.Read(s.trustedRoot, provenance.MaxSize)
		if err != nil {
			return nil, err
		}
		if trusted, err = bundle.ParseTrustedRoot(data); err != nil {
			return nil, cli.Usagef("%s: %w", s.trustedRoot, err)
		}
	case s.offline:
		return nil, nil
	default:
		if trusted, err = p.sigstore.TrustedRoot(ctx); err != nil {
			p.warn(fmt.Errorf("%w; give it with --trusted-root FILE", err))
			return nil, nil
		}
	}
	return bundle.New(trusted, bundle.Options{})
}

// registryBundle finds the bundle of the launcher's image in its registry, one that the
// policy wants if there is one.
func (p *program) registryBundle(ctx context.Context, s *settings, e *evidence.Evidence, by verify.Provenance) ([]byte, error) {
	const hint = "%w; give the bundle with --provenance FILE"
	r, err := compose.Judge(ctx, e.AppCompose, compose.Expect{LauncherDigests: s.policy.LauncherImageDigest.Texts(), Allow: s.policy.AllowCompose.Texts()})
	if err != nil {
		return nil, fmt.Errorf(hint, err)
	}
	want := provenance.Expect{Repos: s.policy.ProvenanceRepo.Texts(), Workflows: s.policy.ProvenanceWorkflow.Texts()}
	b, err := p.sigstore.Bundle(ctx, r.Image, func(bundle []byte, digest string) bool {
		if by == nil {
			return false
		}
		_, err := by.Verify(bundle, digest, want)
		return err == nil
	})
	if err != nil {
		return nil, fmt.Errorf(hint, err)
	}
	return b, nil
}

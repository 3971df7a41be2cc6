// Package bundle judges a Sigstore bundle with SLSA build provenance: sigstore-go does the
// cryptography, package provenance says what is expected. It is the one part of the
// verifier that links Sigstore's libraries.
//
// What it does not do: fetch bundles or trusted roots, or say that the source is good.
//
// Formats: Sigstore bundle 0.1 to 0.3; in-toto statement 1 with predicate type
// https://slsa.dev/provenance/v1; Fulcio's certificate extensions.
package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	sigbundle "github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"

	"gitlauncher/internal/digest"
	"gitlauncher/verify/provenance"
)

const (
	issuer        = "https://token.actions.githubusercontent.com"
	predicateType = "https://slsa.dev/provenance/v1"
	hosted        = "github-hosted"
)

// Verifier judges bundles by a trusted root.
type Verifier struct{ v *verify.Verifier }

// Options says how strict a [Verifier] is.
type Options struct {
	// NoSCTs leaves out the certificate's own log entries, which test authorities lack.
	NoSCTs bool
}

// New returns a [Verifier]. It always requires a log entry with a time from the log.
func New(trusted root.TrustedMaterial, o Options) (*Verifier, error) {
	options := []verify.VerifierOption{verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1)}
	if !o.NoSCTs {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	v, err := verify.NewVerifier(trusted, options...)
	return &Verifier{v}, err
}

// ParseTrustedRoot reads a trusted_root.json.
func ParseTrustedRoot(data []byte) (root.TrustedMaterial, error) {
	r, err := root.NewTrustedRootFromJSON(data)
	if err != nil {
		return nil, fmt.Errorf("trusted root: %w", err)
	}
	return r, nil
}

// Verify proves that a bundle is build provenance of the image with this digest
// (sha256:…), by an expected repository and workflow on GitHub's own runners. Data is
// one bundle, or several as JSON lines, which is what `gh attestation download` writes;
// of several one must hold.
func (v *Verifier) Verify(data []byte, image string, want provenance.Expect) (*provenance.Build, error) {
	if len(data) > provenance.MaxSize {
		return nil, fmt.Errorf("bundle is larger than %d MiB", provenance.MaxSize>>20)
	}
	sum, err := digest.Parse(image)
	if err != nil {
		return nil, fmt.Errorf("digest: %w", err)
	}
	bundles, err := split(data)
	if err != nil {
		return nil, err
	}
	return v.anyOf(bundles, "sha256", sum[:], want)
}

// maxBundles bounds the signatures that one file makes us check.
const maxBundles = 32

// split reads one bundle or JSON lines of them.
func split(data []byte) ([]*sigbundle.Bundle, error) {
	var bundles []*sigbundle.Bundle
	for d := json.NewDecoder(bytes.NewReader(data)); ; {
		var one json.RawMessage
		err := d.Decode(&one)
		switch {
		case errors.Is(err, io.EOF) && len(bundles) > 0:
			return bundles, nil
		case err != nil:
			return nil, fmt.Errorf("bundle: %w", err)
		case len(bundles) == maxBundles:
			return nil, fmt.Errorf("more than %d bundles in one file", maxBundles)
		}
		b := new(sigbundle.Bundle)
		if err := b.UnmarshalJSON(one); err != nil {
			return nil, fmt.Errorf("bundle %d: %w", len(bundles)+1, err)
		}
		bundles = append(bundles, b)
	}
}

// anyOf returns the first build that a bundle proves, or why the first bundle proves
// none.
func (v *Verifier) anyOf(bundles []*sigbundle.Bundle, algorithm string, sum []byte, want provenance.Expect) (*provenance.Build, error) {
	var refused error
	for _, b := range bundles {
		build, err := v.verify(b, algorithm, sum, want)
		if err == nil {
			return build, nil
		}
		if refused == nil {
			refused = err
		}
	}
	if len(bundles) > 1 {
		refused = fmt.Errorf("none of %d bundles holds; the first: %w", len(bundles), refused)
	}
	return nil, refused
}

func (v *Verifier) verify(entity verify.SignedEntity, algorithm string, sum []byte, want provenance.Expect) (_ *provenance.Build, err error) {
	defer func() { // sigstore-go on hostile bundles
		if recover() != nil {
			err = errors.New("bundle: its parts contradict each other")
		}
	}()
	var identities []verify.PolicyOption
	for _, repo := range want.Repos {
		id, err := identity(repo, want.Workflows)
		if err != nil {
			return nil, err
		}
		identities = append(identities, verify.WithCertificateIdentity(id))
	}
	if len(identities) == 0 {
		return nil, errors.New("no repository is expected")
	}
	result, err := v.v.Verify(entity, verify.NewPolicy(verify.WithArtifactDigest(algorithm, sum), identities...))
	if err != nil {
		return nil, err
	}
	if result.Statement == nil || result.Statement.GetPredicateType() != predicateType {
		return nil, fmt.Errorf("bundle is no build provenance: its predicate type is not %s", predicateType)
	}
	cert := result.Signature.Certificate
	if cert == nil {
		return nil, errors.New("bundle is signed by a key, not by a workflow's certificate")
	}
	return &provenance.Build{Repo: cert.SourceRepositoryURI, Commit: cert.SourceRepositoryDigest, Workflow: cert.SubjectAlternativeName, Run: cert.RunInvocationURI}, nil
}

// identity matches a repository's workflows at any reference: the digest says
// which build is meant.
func identity(repo string, workflows []string) (verify.CertificateIdentity, error) {
	repo = "https://github.com/" + strings.TrimPrefix(strings.TrimSuffix(repo, ".git"), "https://github.com/")
	paths := []string{`\.github/workflows/[^@]+`}
	if len(workflows) > 0 {
		paths = slices.Clone(workflows)
		for i, w := range paths {
			paths[i] = regexp.QuoteMeta(workflowPath(w))
		}
	}
	san, err := verify.NewSANMatcher("", "^"+regexp.QuoteMeta(repo)+"/("+strings.Join(paths, "|")+")@.+$")
	if err != nil {
		return verify.CertificateIdentity{}, err
	}
	from, err := verify.NewIssuerMatcher(issuer, "")
	if err != nil {
		return verify.CertificateIdentity{}, err
	}
	return verify.NewCertificateIdentity(san, from, certificate.Extensions{SourceRepositoryURI: repo, RunnerEnvironment: hosted})
}

// workflowPath expands release.yml to .github/workflows/release.yml.
func workflowPath(w string) string {
	if strings.Contains(w, "/") {
		return w
	}
	return ".github/workflows/" + w
}

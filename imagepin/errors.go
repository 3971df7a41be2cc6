package imagepin

import "gitlauncher/imagepin/oci"

// ProofError is an image that is not what was approved, or that can't be proven to be
// what was approved. Trying again does not help.
type ProofError struct {
	Reference string
	Reason    string
	Err       error // may be nil
}

func (e *ProofError) Error() string { return e.Reference + ": " + e.Reason }
func (e *ProofError) Unwrap() error { return e.Err }

// ConfigDigestError is an approved digest that names an image's config, as old
// lists of approved hashes did, where its manifest's is needed.
type ConfigDigestError struct {
	Reference string
	Manifest  oci.Digest // the one to use instead; zero where that is not known
}

func (e *ConfigDigestError) Error() string {
	s := e.Reference + ": this is the digest of an image's config, not of its manifest"
	if !e.Manifest.IsZero() {
		s += "; the manifest's is " + e.Manifest.String()
	}
	return s
}

package imagepin

import "gitlauncher/imagepin/oci"

// ProofError says why an image is not the approved one, or can't be proven to be it. Trying
// again does not help.
type ProofError struct {
	Reference string
	Reason    string
	Err       error // may be nil
}

func (e *ProofError) Error() string { return e.Reference + ": " + e.Reason }
func (e *ProofError) Unwrap() error { return e.Err }

// ConfigDigestError says that an approved digest is that of an image's config, as in old
// lists of approved hashes, and not that of its manifest.
type ConfigDigestError struct {
	Reference string
	Manifest  oci.Digest // the digest to approve instead; zero where it is not known
}

func (e *ConfigDigestError) Error() string {
	s := e.Reference + ": this is the digest of an image's config, not of its manifest"
	if !e.Manifest.IsZero() {
		s += "; the manifest's is " + e.Manifest.String()
	}
	return s
}

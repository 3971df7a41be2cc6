package registry

import "fmt"

// Reason is why a registry did not send what was asked for, and so whether trying again
// can help.
type Reason int

// The reasons.
const (
	Unreachable Reason = iota // network fault, 5xx: worth a retry
	RateLimited               // 429: worth a retry, later
	Denied                    // 401, 403
	NotFound                  // 404
	BadAnswer                 // an answer that makes no sense, perhaps a proxy's: worth a retry
	Stalled                   // no progress for too long: worth a retry
	Untrusted                 // TLS: the certificate is not the registry's
)

// Retry reports whether trying again can help.
func (r Reason) Retry() bool {
	return r == Unreachable || r == RateLimited || r == BadAnswer || r == Stalled
}

// Error says why a registry did not send a document or an image.
type Error struct {
	Reference string // name@digest, or name:tag
	Doing     string // "fetching the manifest", "pulling"
	Status    int    // HTTP; 0 where there was none
	Reason    Reason
	Text      string // the other side's words: one line, trimmed, no credential
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s: %s", e.Reference, e.Doing)
	if e.Status != 0 {
		s += fmt.Sprintf(": HTTP status %d", e.Status)
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// CredentialError says why a Docker config, or a credential helper that it names, supplied
// no credential. Trying again does not help. It repeats no word of the helper, which may be
// a credential.
type CredentialError struct {
	Registry string
	File     string // the Docker config, or the key in it that names the helper; empty where no file is at fault
	Helper   string // the helper's program; empty where the file itself is at fault
	Reason   string
}

func (e *CredentialError) Error() string {
	s := "reading the credential for " + e.Registry + ": "
	if e.Helper != "" {
		return s + e.Helper + ", which " + e.File + " names: " + e.Reason
	}
	if e.File != "" {
		s += e.File + ": "
	}
	return s + e.Reason
}

// CertificateError says why a file below certs.d can't be used.
type CertificateError struct{ File, Reason string }

func (e *CertificateError) Error() string { return e.File + ": " + e.Reason }

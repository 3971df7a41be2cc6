package imagepin

import (
	"fmt"

	"gitlauncher/imagepin/oci"
)

// Reason says why a registry did not give what was asked for, and so whether trying
// again can help.
type Reason int

// The reasons.
const (
	Unreachable Reason = iota // network fault, 5xx: worth a retry
	RateLimited               // 429: worth a retry, later
	Denied                    // 401, 403
	NotFound                  // 404
	BadAnswer                 // an answer that makes no sense; maybe a proxy's
	Stalled                   // no progress for too long
	Untrusted                 // TLS: the certificate is not the registry's
)

// Retry reports whether trying again can help.
func (r Reason) Retry() bool {
	return r == Unreachable || r == RateLimited || r == BadAnswer || r == Stalled
}

// RegistryError is a document or an image that could not be had from its registry.
type RegistryError struct {
	Reference string // name@digest
	Stage     string // "fetching the manifest", "pulling"
	Status    int    // HTTP; 0 where there was none
	Reason    Reason
	Text      string // the other side's words: one line, trimmed, no credential
}

func (e *RegistryError) Error() string {
	s := fmt.Sprintf("%s: %s", e.Reference, e.Stage)
	if e.Status != 0 {
		s += fmt.Sprintf(": HTTP status %d", e.Status)
	}
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// ProofError is an image that is not what was approved, or that can't be proven to
// be. Trying again does not help.
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

// EngineError is a Docker Engine that did not do what it was asked.
type EngineError struct {
	Doing  string // "creating the container mpc-node"
	Reason EngineReason
	Text   string // the Engine's words: one line, trimmed
}

// EngineReason says why the Engine did not.
type EngineReason int

// The reasons.
const (
	EngineFailed EngineReason = iota // it said no
	EngineAbsent                     // no socket, or nobody behind it
	EngineHung                       // no answer in time
	EngineDied                       // the connection broke
	DiskFull                         // no space left on its disk
	NameTaken                        // somebody else has the name
	PortTaken                        // somebody else has a port
	NoImage                          // the image is not there, or not any more
	NoNetwork                        // the network is not there, or not any more
	NoContainer                      // the container is not there, or not any more
)

func (e *EngineError) Error() string { return "Docker Engine: " + e.Doing + ": " + e.Text }

// SettingsError is a container, or what it would be made of, that is not as
// described.
type SettingsError struct {
	Name   string
	Reason string
}

func (e *SettingsError) Error() string { return "container " + e.Name + ": " + e.Reason }

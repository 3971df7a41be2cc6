package gitpin

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"gitlauncher/gitpin/object"
)

// FetchError is a transfer that failed for a reason other than the bytes: the
// network, the host, its credentials, a deadline or a limit. The pin itself may
// be fine, so another try can help.
type FetchError struct {
	Reason FetchReason
	Op     string // what was being done
	Err    error
}

// FetchReason sorts fetch errors by what to do about them.
type FetchReason int

// The reasons.
const (
	Network    FetchReason = iota // unreachable, reset, cut off, 5xx
	Auth                          // 401, 403, a refused key
	NotFound                      // 404: no such repository, or none for us
	Untrusted                     // a TLS certificate or an SSH host key
	Stalled                       // no byte of the pack for the stall timeout
	TimedOut                      // the fetch timeout is over
	TooLarge                      // a limit is passed
	Unsuitable                    // the server can't do what is needed
	BadAnswer                     // the answer breaks the protocol or the pack format
)

func (e *FetchError) Error() string { return e.Op + ": " + e.Err.Error() }
func (e *FetchError) Unwrap() error { return e.Err }

// heardError is an error with words of a host in it, made fit for a log: one short
// printable line, without the token that the host was given and may repeat.
type heardError struct {
	err   error
	token string
}

// maxHeard is how much of it is kept, in bytes.
const maxHeard = 500

func (e *heardError) Unwrap() error { return e.err }
func (e *heardError) Error() string {
	s := e.err.Error()
	if e.token != "" {
		for _, secret := range []string{e.token, basicAuth(e.token), url.QueryEscape(e.token)} {
			s = strings.ReplaceAll(s, secret, "[secret]")
		}
	}
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > maxHeard {
		s = strings.ToValidUTF8(s[:maxHeard], "") + "…"
	}
	return strings.TrimSpace(s)
}

// MismatchError is an object that is not what was pinned.
type MismatchError struct {
	Want object.ID
	Got  string // what was there instead
}

func (e *MismatchError) Error() string { return fmt.Sprintf("pin %s is not met: %s", e.Want, e.Got) }

// MissingObjectError is an object that the pin needs and the answer lacks.
type MissingObjectError struct {
	ID   object.ID
	Need string // what it is needed as
}

func (e *MissingObjectError) Error() string {
	return fmt.Sprintf("%s %s is missing from what the repository sent", e.Need, e.ID)
}

// OccupiedError is a WORK_DIR that is somebody else's: nothing in it was touched.
type OccupiedError struct{ Path, Reason string }

func (e *OccupiedError) Error() string { return fmt.Sprintf("WORK_DIR %s %s", e.Path, e.Reason) }

// LockedError is a WORK_DIR that another launcher holds for too long.
type LockedError struct {
	Path string
	Wait time.Duration
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("another launcher has held the lock of %s for %v", e.Path, e.Wait)
}

// CredentialError is a credential file that can't be used. It never holds the
// credential.
type CredentialError struct{ Path, Reason string }

func (e *CredentialError) Error() string {
	return fmt.Sprintf("credential file %s %s", e.Path, e.Reason)
}

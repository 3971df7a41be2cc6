package fetch

import (
	"net/url"

	"gitlauncher/internal/printable"
)

// Error is a transfer that failed for a reason other than the bytes: the network, the
// host, its credentials, a deadline or a limit. The pin itself may be fine, so another
// try can help.
type Error struct {
	Reason Reason
	Op     string // what was being done
	Err    error
}

// Reason classifies errors by what to do about them.
type Reason int

// The reasons.
const (
	Network    Reason = iota // unreachable, reset, cut off, 5xx
	Auth                     // 401, 403, a refused key
	NotFound                 // 404: no such repository, or none for us
	Untrusted                // a TLS certificate or an SSH host key
	Stalled                  // no byte of the pack for the stall timeout
	TimedOut                 // the fetch timeout is over
	TooLarge                 // a limit is passed
	Unsuitable               // the server can't do what is needed
	BadAnswer                // the answer breaks the protocol or the pack format
	Empty                    // the repository has no commits at all
)

func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// retryable reports whether the same request may succeed later.
func (e *Error) retryable() bool { return e.Reason == Network || e.Reason == Stalled }

// saidError is an error with words of a host in it, made fit for a log and without the
// token, which the host was given and may repeat.
type saidError struct {
	err   error
	token string
}

func (e *saidError) Unwrap() error { return e.err }
func (e *saidError) Error() string {
	if e.token == "" {
		return printable.Line(e.err.Error())
	}
	return printable.Line(e.err.Error(), e.token, basicAuth(e.token), url.QueryEscape(e.token))
}

// CredentialError is a credential that can't be used. It never holds it.
type CredentialError struct{ Where, Reason string } // Where is "file PATH" or "variable NAME"

func (e *CredentialError) Error() string {
	return "credential " + e.Where + " " + e.Reason
}

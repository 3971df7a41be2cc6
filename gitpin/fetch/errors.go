package fetch

import (
	"time"

	"gitlauncher/internal/printable"
)

// Error is a transfer that failed for a reason other than the bytes: the network, the
// host, its credentials, a deadline or a limit. The pin itself may be fine, so another
// try can help.
type Error struct {
	Reason Reason
	Op     string // what was being done
	Err    error

	tries int           // how many further tries make sense; below zero any number
	pause time.Duration // before the next, if the host asked for one
}

// Reason classifies errors by what to do about them.
type Reason int

// The reasons.
const (
	Network     Reason = iota // unreachable, reset, cut off, 5xx
	Auth                      // 401, 403, a refused key
	NotFound                  // 404: no such repository, or none for us
	Untrusted                 // a TLS certificate or an SSH host key
	Stalled                   // no byte for the stall timeout, or no pack for its own
	TimedOut                  // the fetch timeout is over
	TooLarge                  // a limit is passed
	Unsuitable                // the server can't do what is needed
	BadAnswer                 // the answer breaks the protocol or the pack format
	Empty                     // the repository has no commits at all
	OtherFormat               // the repository's ids are of another kind than the pin
	Clock                     // a TLS certificate is valid at another time than now
	ClientCert                // the server wants a client certificate, or another one
	Authority                 // a TLS certificate of an authority that is not known
	Proxy                     // the proxy refuses, or is none
	BadBundle                 // the file is no bundle, or lacks what it refers to
	Refused                   // the server says in its own words that it won't
)

// few is how many further tries an error gets that will probably stay.
const few = 2

func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// again reports whether the same request may succeed later, after so many further tries
// of at most so many.
func (e *Error) again(done, most int) bool {
	return (most < 0 || done < most) && (e.tries < 0 || done < e.tries)
}

// saidError is an error with words of a host in it, made fit for a log and without the
// secrets, which the host was told and may repeat.
type saidError struct {
	err     error
	secrets []string
}

func (e *saidError) Unwrap() error { return e.err }
func (e *saidError) Error() string { return printable.Line(e.err.Error(), e.secrets...) }

package fetch

import (
	"time"

	"gitlauncher/internal/printable"
)

// Error is a transfer that failed for a reason other than its bytes: the network, the host,
// the credentials, a deadline or a limit. The pin itself may be fine.
type Error struct {
	Reason Reason
	Op     string // what was being done
	Err    error

	tries int           // how many further tries make sense; a negative number for any number
	pause time.Duration // before the next try, if the host asked for one
}

// Reason classifies errors by what to do about them.
type Reason int

// The reasons.
const (
	Network     Reason = iota // unreachable, reset, cut off, 5xx
	Auth                      // 401, 403, a refused key
	NotFound                  // 404: there is no such repository, or the host hides it
	Untrusted                 // a TLS certificate or an SSH host key
	Stalled                   // no byte within the stall timeout, or no pack within the pack timeout
	TimedOut                  // the fetch timeout is over
	TooLarge                  // a limit is exceeded
	Unsuitable                // the server can't do what is needed
	BadAnswer                 // the answer breaks the protocol or the pack format
	Empty                     // the repository has no commits at all
	OtherFormat               // the repository's object format is not the pin's
	Clock                     // a TLS certificate is not valid now
	ClientCert                // the server wants a client certificate, or another one
	Authority                 // a TLS certificate is from an authority that is not known
	Proxy                     // the proxy refuses, or its address is not one
	BadBundle                 // the file is not a bundle, or lacks what it refers to
	Refused                   // the server refuses in its own words
)

// few is how many further tries follow an error that will probably come again.
const few = 2

func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// again reports whether to try again after done further tries, of which most are allowed. A
// negative most allows any number.
func (e *Error) again(done, most int) bool {
	return (most < 0 || done < most) && (e.tries < 0 || done < e.tries)
}

// saidError is an error that may quote a host. Its text is fit for a log, and is without the
// secrets, which the host was told and may repeat.
type saidError struct {
	err     error
	secrets []string
}

func (e *saidError) Unwrap() error { return e.err }
func (e *saidError) Error() string { return printable.Line(e.err.Error(), e.secrets...) }

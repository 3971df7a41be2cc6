package gitpin

import (
	"errors"
	"fmt"
	"time"

	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
)

// The errors and values of fetching, for callers who need nothing else of it.
type (
	FetchError      = fetch.Error
	CredentialError = fetch.CredentialError
	Credentials     = fetch.Credentials
	Ref             = fetch.Ref
	RefError        = fetch.RefError
)

// fetchFault says what a failed transfer means for the pin: a repository without commits
// does not have it, and bytes from a host that are too many, or no sound pack, are a
// failure to fetch (which they are not where they come from the disk).
func (p *Params) fetchFault(err error) error {
	var (
		failed *fetch.Error
		limit  *pack.LimitError
		bad    *pack.Error
	)
	const op = "receiving the pack"
	switch {
	case errors.As(err, &failed) && failed.Reason == fetch.Empty:
		return &MismatchError{p.Commit, failed.Err.Error()}
	case errors.As(err, &failed):
		return err
	case errors.As(err, &limit):
		return &fetch.Error{Reason: fetch.TooLarge, Op: op, Err: err}
	case errors.As(err, &bad):
		return &fetch.Error{Reason: fetch.BadAnswer, Op: op, Err: err}
	}
	return err
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

package gitpin

import (
	"errors"
	"io"

	"gitlauncher/gitpin/fetch"
	"gitlauncher/gitpin/fetch/credential"
	"gitlauncher/gitpin/object"
	"gitlauncher/gitpin/pack"
	"gitlauncher/gitpin/proof"
	"gitlauncher/gitpin/submodule"
	"gitlauncher/gitpin/workdir"
)

// Types of the rooms below, for callers who need nothing else from these.
type (
	FetchError         = fetch.Error
	SourcesError       = fetch.SourcesError
	CredentialError    = credential.Error
	RefError           = fetch.RefError
	MismatchError      = proof.MismatchError
	MissingObjectError = proof.MissingObjectError
	PlanError          = submodule.Error
	OccupiedError      = workdir.OccupiedError
	LockedError        = workdir.LockedError

	Credentials = credential.Credentials
	Ref         = fetch.Ref
	File        = proof.File
)

// fetchFault returns what a failed transfer means for the pin. A repository without commits
// does not meet it. Too many bytes, or a bad pack, from a host are a failure to fetch. (From
// the disk they are not.)
func (p *Params) fetchFault(err error) error {
	var (
		several *fetch.SourcesError
		failed  *fetch.Error
		limit   *pack.LimitError
		bad     *pack.Error
	)
	const op = "receiving the pack"
	switch {
	case errors.As(err, &several):
		for i, s := range several.Sources {
			several.Sources[i].Err = p.fetchFault(s.Err)
		}
		return several
	case errors.As(err, &failed) && failed.Reason == fetch.Empty:
		return &MismatchError{Want: p.Commit, Got: failed.Err.Error()}
	case errors.As(err, &failed):
		return err
	case errors.As(err, &limit):
		return &fetch.Error{Reason: fetch.TooLarge, Op: op, Err: err}
	case errors.As(err, &bad), errors.Is(err, io.ErrUnexpectedEOF): // a changed byte may hide where an object ends
		return &fetch.Error{Reason: fetch.BadAnswer, Op: op, Err: err}
	}
	return err
}

// isFault reports whether an error is about the bytes that a source sent, so that those of
// another source may be right. A tree that can't be checked out is a fault of the commit.
func isFault(err error) bool {
	var (
		limit    *pack.LimitError
		bad      *pack.Error
		mismatch *proof.MismatchError
		missing  *proof.MissingObjectError
	)
	return errors.As(err, &limit) || errors.As(err, &bad) || errors.As(err, &mismatch) || errors.As(err, &missing) || errors.Is(err, object.ErrCollision) || errors.Is(err, io.ErrUnexpectedEOF)
}

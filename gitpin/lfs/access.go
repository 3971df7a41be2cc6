package lfs

import (
	"encoding/json"
	"net/url"
	"time"
)

// MaxAccess is how many bytes the answer of git-lfs-authenticate may have.
const MaxAccess = 64 << 10

// AuthenticateCommand is the command that is run on an SSH host. Its arguments are the path
// of the repository and "download".
const AuthenticateCommand = "git-lfs-authenticate"

// ParseAccess reads what git-lfs-authenticate prints: where the API is, and the headers of
// requests to it, which are secrets. guess is where the API is if the answer does not say.
// The address must be https://, because what came over an encrypted connection must not go
// on in clear text. It may be http:// if onThisMachine reports that its host is this machine,
// as the SSH host then is too. Errors are [*AnswerError].
func ParseAccess(text []byte, guess *url.URL, onThisMachine func(host string) bool, now time.Time) (*Link, error) {
	const by = "the SSH host's answer to " + AuthenticateCommand
	var a struct {
		Href      string            `json:"href"`
		Header    map[string]string `json:"header"`
		ExpiresIn int64             `json:"expires_in"`
		ExpiresAt string            `json:"expires_at"`
	}
	switch {
	case len(text) > MaxAccess:
		return nil, &AnswerError{By: by, What: "has more than 64 KiB"}
	case json.Unmarshal(text, &a) != nil:
		return nil, &AnswerError{By: by, What: "is not JSON as Git LFS has it"}
	case a.Href == "":
		a.Href = guess.String()
	}
	var l Link
	if err := l.set(a.Href, a.Header, new(url.URL)); err != nil { // the address must be absolute
		err.By = by
		return nil, err
	}
	if !private(l.To, onThisMachine) {
		return nil, &AnswerError{By: by, What: "has an address that is not https://"}
	}
	l.expire(a.ExpiresIn, a.ExpiresAt, now)
	return &l, nil
}

// Named returns the API at an address that a tree names. The rule for the address is that of
// [ParseAccess]. Errors are [*AnswerError].
func Named(at *url.URL, onThisMachine func(host string) bool) (*Link, error) {
	if !private(at, onThisMachine) {
		return nil, &AnswerError{By: ".lfsconfig", What: "has an address that is not https://"}
	}
	return &Link{To: at}, nil
}

// private reports whether nobody on the network can read what is sent to an address.
func private(to *url.URL, onThisMachine func(host string) bool) bool {
	return to.Scheme == "https" || to.Scheme == "http" && onThisMachine(to.Hostname())
}

package lfs

import (
	"encoding/json"
	"net/url"
	"time"
)

// MaxAccess is how many bytes of an answer of git-lfs-authenticate are read.
const MaxAccess = 64 << 10

// AuthenticateCommand is what an SSH host is asked for: the path of the repository and
// "download" follow it.
const AuthenticateCommand = "git-lfs-authenticate"

// ParseAccess reads what git-lfs-authenticate prints: where the API is, and headers for the
// requests to it, which are secrets. guess is where the API is if the answer does not say.
// The address is https://, or http:// where onThisMachine is the SSH host, too: what came
// over an encrypted connection does not go on in clear. Errors are [*AnswerError].
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
	if err := l.set(a.Href, a.Header, new(url.URL)); err != nil { // it has to be a whole address
		err.By = by
		return nil, err
	}
	if !private(l.To, onThisMachine) {
		return nil, &AnswerError{By: by, What: "has an address that is not https://"}
	}
	l.expire(a.ExpiresIn, a.ExpiresAt, now)
	return &l, nil
}

// Named is the API at an address that a tree names, by the same rule: beside a repository
// that is not reached by http:// it is https://. Errors are [*AnswerError].
func Named(at *url.URL, onThisMachine func(host string) bool) (*Link, error) {
	if !private(at, onThisMachine) {
		return nil, &AnswerError{By: ".lfsconfig", What: "has an address that is not https://"}
	}
	return &Link{To: at}, nil
}

// private reports whether nobody else sees what is sent to an address.
func private(to *url.URL, onThisMachine func(host string) bool) bool {
	return to.Scheme == "https" || to.Scheme == "http" && onThisMachine(to.Hostname())
}

package lfs

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Limits of a request and its answer.
const (
	MaxBatch   = 100      // contents in one request, as in git-lfs
	MaxAnswer  = 4 << 20  // bytes of an answer
	maxHeaders = 16       // headers of one link
	maxHeader  = 16 << 10 // bytes of one header, name and value together
)

// MediaType is the media type of the API's messages.
const MediaType = "application/vnd.git-lfs+json"

// Request returns the body of a request for links to contents. It asks for basic transfer
// alone, and names contents by SHA-256.
func Request(wanted []Pointer) []byte {
	type object struct {
		OID  string `json:"oid"`
		Size int64  `json:"size"`
	}
	req := struct {
		Operation string   `json:"operation"`
		Transfers []string `json:"transfers"`
		Objects   []object `json:"objects"`
		HashAlgo  string   `json:"hash_algo"`
	}{"download", []string{"basic"}, nil, "sha256"}
	for _, p := range wanted {
		req.Objects = append(req.Objects, object{p.OID(), p.Size})
	}
	b, err := json.Marshal(req)
	if err != nil { // can't be: there are only strings and numbers
		panic(err)
	}
	return b
}

// Link says where one content is, or where the API is.
type Link struct {
	To      *url.URL
	Header  map[string]string // to send along
	Expires time.Time         // zero for never
	Failed  *ObjectError      // if it is not nil, the server refuses the content, and the rest is empty
}

// Secrets lists what a link may have been given to let a request in: the values of its headers,
// the password in one of them, and the values of its query, of which one may be a signature. The
// latter are as the address has them, and without escapes.
func (l *Link) Secrets() []string {
	values := slices.Sorted(maps.Values(l.Header))
	for _, value := range values {
		scheme, login, _ := strings.Cut(value, " ")
		if plain, err := base64.StdEncoding.DecodeString(login); err == nil && strings.EqualFold(scheme, "Basic") {
			_, password, _ := strings.Cut(string(plain), ":")
			values = append(values, string(plain), password)
		}
	}
	if l.To != nil {
		// Query would leave out what is malformed, and a host may read it all the same.
		for part := range strings.FieldsFuncSeq(l.To.RawQuery, func(r rune) bool { return r == '&' || r == ';' }) {
			value := part[strings.IndexByte(part, '=')+1:]
			values = append(values, value)
			if plain, err := url.QueryUnescape(value); err == nil && plain != value {
				values = append(values, plain)
			}
		}
	}
	return values
}

// ObjectError is a content that a server refuses.
type ObjectError struct {
	OID  string
	Code int    // an HTTP status
	Said string // the server's own words
}

func (e *ObjectError) Error() string {
	what := "refuses the Git LFS object"
	switch e.Code {
	case 404:
		what = "does not have the Git LFS object"
	case 410:
		what = "has removed the Git LFS object"
	}
	return fmt.Sprintf("the server %s %s: %s (code %d)", what, e.OID, e.Said, e.Code)
}

// AnswerError is an answer that breaks the batch API, or the rules for an API's address.
type AnswerError struct {
	By   string // where the answer is from; empty for the Git LFS server
	What string
}

func (e *AnswerError) Error() string {
	if e.By == "" {
		return "the Git LFS server's answer " + e.What
	}
	return e.By + " " + e.What
}

// answer is the part of a batch answer that is read.
type answer struct {
	Transfer string `json:"transfer"`
	HashAlgo string `json:"hash_algo"`
	Objects  []struct {
		OID     string `json:"oid"`
		Size    int64  `json:"size"`
		Actions struct {
			Download *struct {
				Href      string            `json:"href"`
				Header    map[string]string `json:"header"`
				ExpiresIn int64             `json:"expires_in"`
				ExpiresAt string            `json:"expires_at"`
			} `json:"download"`
		} `json:"actions"`
		Error *struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
	} `json:"objects"`
}

// ParseAnswer reads the answer to a request, and returns a link for each wanted content. base
// is the address that was asked; relative links are relative to it. Errors are
// [*AnswerError].
func ParseAnswer(text []byte, wanted []Pointer, base *url.URL, now time.Time) (map[Pointer]*Link, error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, &AnswerError{What: "is not JSON as its API has it"}
	}
	if a.Transfer != "" && a.Transfer != "basic" {
		return nil, &AnswerError{What: fmt.Sprintf("is for the transfer %.40q; basic alone was asked for", a.Transfer)}
	}
	if a.HashAlgo != "" && a.HashAlgo != "sha256" {
		return nil, &AnswerError{What: fmt.Sprintf("names contents by %.40q; SHA-256 was asked for", a.HashAlgo)}
	}
	open := make(map[Pointer]bool, len(wanted))
	for _, p := range wanted {
		open[p] = true
	}
	links := make(map[Pointer]*Link, len(wanted))
	for _, o := range a.Objects {
		p := Pointer{Size: o.Size}
		if n, err := hex.Decode(p.SHA256[:], []byte(o.OID[:min(len(o.OID), 64)])); err != nil || n != len(p.SHA256) || len(o.OID) != 64 {
			return nil, &AnswerError{What: "names a content by something that is not a SHA-256"}
		}
		if o.Error != nil { // here a server may leave out the size, or give another
			for want := range open {
				if want.SHA256 == p.SHA256 {
					p = want
				}
			}
		}
		if !open[p] {
			return nil, &AnswerError{What: "is about contents that were not asked for, or of another size"}
		}
		delete(open, p)
		link := &Link{}
		switch d := o.Actions.Download; {
		case o.Error != nil:
			link.Failed = &ObjectError{p.OID(), o.Error.Code, o.Error.Message}
		case d == nil:
			return nil, &AnswerError{What: "has no place to download " + p.OID() + " from"}
		default:
			if err := link.set(d.Href, d.Header, base); err != nil {
				return nil, err
			}
			link.expire(d.ExpiresIn, d.ExpiresAt, now)
		}
		links[p] = link
	}
	for p := range open {
		return nil, &AnswerError{What: "leaves out " + p.OID()}
	}
	return links, nil
}

// own lists the headers that a link may not set: a request has them already, or they are
// about the connection.
var own = []string{"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect", "range", "accept-encoding", "user-agent"}

func (l *Link) set(href string, header map[string]string, base *url.URL) *AnswerError {
	var err error
	if l.To, err = base.Parse(href); err != nil || href == "" || l.To.Host == "" || l.To.User != nil {
		return &AnswerError{What: "has a link that is not an address"}
	}
	l.To.Fragment, l.To.RawFragment = "", ""
	if len(header) > maxHeaders {
		return &AnswerError{What: fmt.Sprintf("has a link with more than %d headers", maxHeaders)}
	}
	for name, value := range header {
		if err := checkHeader(name, value); err != nil {
			return &AnswerError{What: "has a link with a header that " + err.Error()}
		}
	}
	l.Header = header
	return nil
}

func checkHeader(name, value string) error {
	lower := strings.ToLower(name)
	for _, not := range own {
		if lower == not || strings.HasPrefix(lower, "proxy-") {
			return fmt.Errorf("no link may set: %.40q", name)
		}
	}
	token := func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	}
	switch {
	case name == "" || strings.ContainsFunc(name, token):
		return errors.New("has an invalid name")
	case len(name)+len(value) > maxHeader:
		return fmt.Errorf("has more than %d KiB", maxHeader>>10)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return errors.New("has a control character in it")
	}
	return nil
}

// expire notes until when a link is valid. If both forms are given, expires_in counts, since
// it does not depend on this machine's clock being right.
func (l *Link) expire(in int64, at string, now time.Time) {
	const most = 1 << 31 / 2 // seconds, as the API has it
	if in != 0 {
		l.Expires = now.Add(time.Duration(max(-most, min(in, most))) * time.Second)
	} else if t, err := time.Parse(time.RFC3339, at); err == nil {
		l.Expires = t
	}
}

// Expired reports whether a link is no longer valid, or too briefly to use it.
func (l *Link) Expired(now time.Time) bool {
	const slack = 5 * time.Second
	return !l.Expires.IsZero() && !now.Add(slack).Before(l.Expires)
}

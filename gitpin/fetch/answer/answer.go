package answer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxReason bounds what is read of an answer that is not Git's, in bytes.
const maxReason = 4 << 10

// Error is an answer of a web server that is not what Git would say.
type Error struct {
	Status  int
	What    string        // what it is, in words; empty for a status alone
	Schemes string        // what it offers to log in with
	Pause   time.Duration // how long it asks to wait
	Waits   bool          // whether it asks to wait at all
	Asked   bool          // whether the server asked for a client certificate
	Foreign string        // the host, if it is not the repository's own but one that a redirect leads to
}

func (e *Error) Error() string {
	status := fmt.Sprintf("HTTP %d", e.Status)
	if e.What == "" {
		return strings.ToLower(http.StatusText(e.Status)) + " (" + status + ")"
	}
	return e.What + " (" + status + ")"
}

// EndedError is a connection that ended in good order, without an answer.
type EndedError struct{ Said string }

func (e *EndedError) Error() string {
	if e.Said == "" {
		return "the server ends the connection without an answer"
	}
	return "the server says: " + e.Said
}

var (
	dumbRefs  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})\t`) })
	pageTitle = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`) })
	markup    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?s)<[^>]*>`) })
)

// Look looks at the beginning of an answer, and returns nil if it is one of Git's.
// where is what was asked, after redirects. Errors are [*Error], [*EndedError] and
// those of the reader.
func Look(res *http.Response, body *bufio.Reader, where string, now time.Time) error {
	ok := res.StatusCode == http.StatusOK
	if start, err := body.Peek(4); ok && err == nil && isHex(start) && (res.Request.Method != http.MethodGet || !isDumb(body)) {
		return nil
	} else if ok && err == io.EOF && len(start) == 0 {
		return &EndedError{}
	} else if ok && err != nil && err != io.EOF {
		return err
	}
	head, err := io.ReadAll(io.LimitReader(body, maxReason))
	if ok && err != nil {
		return err
	}
	e := &Error{Status: res.StatusCode, Schemes: loginSchemes(res.Header)}
	e.Pause, e.Waits = retryAfter(res.Header, now)
	said := sentence(res.Header, head)
	switch {
	case res.StatusCode >= 400:
		if said != "" {
			e.What = strings.ToLower(http.StatusText(res.StatusCode)) + ": " + said
		}
	case res.StatusCode >= 300:
		e.What = "the server redirects where Git does not follow, from " + where
	case dumbRefs().Match(head):
		e.What = "the server has the repository as static files only (dumb HTTP); it needs smart HTTP, as of git http-backend"
	case isPage(res.Header, head):
		e.What = "the server answers with a web page, not with a Git repository, at " + where
		if said != "" {
			e.What += fmt.Sprintf("; the page is called %q", said)
		}
	default:
		e.What = "the answer is not a Git repository's, at " + where
		if said != "" {
			e.What += fmt.Sprintf("; it begins with %q", said)
		}
	}
	return e
}

// Refusal makes an error of an answer that is none of those that were wanted. A server of
// Git LFS says why in JSON.
func Refusal(res *http.Response, body io.Reader, now time.Time) *Error {
	e := &Error{Status: res.StatusCode, Schemes: loginSchemes(res.Header)}
	e.Schemes = strings.TrimPrefix(e.Schemes+", "+res.Header.Get("LFS-Authenticate"), ", ")
	e.Schemes, _, _ = strings.Cut(strings.TrimSuffix(e.Schemes, ", "), " realm")
	e.Pause, e.Waits = retryAfter(res.Header, now)
	head, _ := io.ReadAll(io.LimitReader(body, maxReason))
	var said struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(head, &said) != nil || said.Message == "" {
		said.Message = sentence(res.Header, head)
	}
	e.What = strings.ToLower(http.StatusText(res.StatusCode))
	if said.Message != "" {
		e.What += ": " + said.Message
	}
	return e
}

// isDumb reports whether an answer that begins like a pkt-line is the list of references
// of a static server. A smart one says which service it is right after the length.
func isDumb(body *bufio.Reader) bool {
	if start, err := body.Peek(8); err != nil || !isHex(start) {
		return false
	}
	head, _ := body.Peek(65)
	return dumbRefs().Match(head)
}

func isHex(b []byte) bool { return len(bytes.Trim(b, "0123456789abcdefABCDEF")) == 0 }

func isPage(h http.Header, head []byte) bool {
	return strings.HasPrefix(h.Get("Content-Type"), "text/html") || bytes.HasPrefix(bytes.TrimLeft(head, "\ufeff \t\r\n"), []byte("<"))
}

// sentence is what a server says in a body: a page's title, or the first line of text.
func sentence(h http.Header, head []byte) string {
	if isPage(h, head) {
		return title(head)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(strings.ToValidUTF8(string(head), "?")), "\n")
	const most = 200 // bytes of a line; more is no sentence
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "…"
	}
	return strings.TrimSpace(line)
}

func title(page []byte) string {
	m := pageTitle().FindSubmatch(page)
	if m == nil {
		return ""
	}
	const most = 100 // bytes
	t := strings.Join(strings.Fields(html.UnescapeString(markup().ReplaceAllString(string(m[1]), " "))), " ")
	return strings.ToValidUTF8(t[:min(len(t), most)], "")
}

// loginSchemes are the ways to log in that a server offers.
func loginSchemes(h http.Header) string {
	var names []string
	for _, v := range h.Values("WWW-Authenticate") {
		if name, _, _ := strings.Cut(strings.TrimSpace(v), " "); name != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// retryAfter reads when to come again: Retry-After in either of its forms (RFC 9110),
// or the time at which GitHub's limit of requests ends.
func retryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	if v := h.Get("Retry-After"); v != "" {
		if s, err := strconv.ParseUint(v, 10, 31); err == nil {
			return time.Duration(s) * time.Second, true
		}
		if at, err := http.ParseTime(v); err == nil {
			return max(0, at.Sub(now)), true
		}
		return 0, true
	}
	if s, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil && h.Get("X-RateLimit-Remaining") == "0" {
		return max(0, time.Unix(s, 0).Sub(now)), true
	}
	return 0, false
}

// Passes reports whether an HTTP status is about now rather than about the request.
func Passes(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status >= 500
}

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

// maxReason is how many bytes are read at most of an answer that is not Git's.
const maxReason = 4 << 10

// Error is the answer of a web server that is not one of Git's.
type Error struct {
	Status  int
	What    string        // what the answer is, in words; empty if the status says it all
	Schemes string        // the ways to log in that the server offers
	Pause   time.Duration // how long the server asks to wait
	Waits   bool          // whether it asks to wait at all
	Asked   bool          // whether it asked for a client certificate that the client does not have
	Foreign string        // the host, if a redirect led away from the repository's own
}

func (e *Error) Error() string {
	status := fmt.Sprintf("HTTP %d", e.Status)
	if e.What == "" {
		return strings.ToLower(http.StatusText(e.Status)) + " (" + status + ")"
	}
	return e.What + " (" + status + ")"
}

// EndedError is a connection that the server closed without an answer.
type EndedError struct{ Said string } // Said is what it wrote beside the answer, if anything

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

// Look looks at the beginning of an answer, and returns nil if the answer is one of Git's.
// where is the address that was asked, after all redirects. Errors are [*Error],
// [*EndedError] and those of the reader.
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
		e.What = "the server has the repository as static files only (dumb HTTP); smart HTTP is needed, which git http-backend speaks"
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

// Refusal returns an unwanted answer as an error. A Git LFS server gives its reason in JSON.
// Otherwise the reason is the title of the page, or the first line of the text.
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
// of a static server. A smart server names its service right after the length.
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

// sentence returns what a body says: the title of a page, or the first line of a text.
func sentence(h http.Header, head []byte) string {
	if isPage(h, head) {
		return title(head)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(strings.ToValidUTF8(string(head), "?")), "\n")
	const most = 200 // bytes
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

// loginSchemes lists the ways to log in that a server offers.
func loginSchemes(h http.Header) string {
	var names []string
	for _, v := range h.Values("WWW-Authenticate") {
		if name, _, _ := strings.Cut(strings.TrimSpace(v), " "); name != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// retryAfter returns how long a server asks to wait, and whether it asks at all. It reads
// both forms of Retry-After (RFC 9110), and the time at which GitHub's rate limit ends.
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

// Transient reports whether the same request may get another HTTP status later.
func Transient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	}
	return status >= 500
}

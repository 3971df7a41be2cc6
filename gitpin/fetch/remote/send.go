package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gitlauncher/gitpin/fetch/answer"
	"gitlauncher/gitpin/fetch/uploadpack"
)

// LFS returns the address at which git-lfs looks for the repository's contents.
func (w *Web) LFS() *url.URL { return lfsBelow(w.origin) }

func lfsBelow(repo *url.URL) *url.URL {
	suffix := "/info/lfs"
	if !strings.HasSuffix(repo.Path, ".git") {
		suffix = ".git" + suffix
	}
	at := *repo
	at.Path, at.RawPath = at.Path+suffix, at.EscapedPath()+suffix
	return &at
}

// Message is a request outside Git's own protocol.
type Message struct {
	Method string
	To     *url.URL
	Type   string            // the media type of Body and of the answer; empty for any
	Header map[string]string // for the origin of To alone
	Body   []byte

	Followed func(to *url.URL) // called with the address of each redirect before it is asked; may be nil
}

// Send sends a message, and returns the body of an answer with status 200. The caller must
// close it. The credential goes along to the repository's own origin, unless the message's
// header has one of its own. Redirects are followed by the same rules as in [Web.References].
// The header does not follow them to another origin.
func (w *Web) Send(m Message) (io.ReadCloser, error) {
	for range maxRedirects {
		res, err := w.message(&m)
		if err != nil {
			return nil, err
		}
		if to := res.Header.Get("Location"); to != "" && redirects(res.StatusCode) {
			res.Body.Close()
			next, err := m.To.Parse(to)
			if err != nil {
				return nil, &RedirectError{"to something that is not an address"}
			}
			next.User, next.Fragment, next.RawFragment = nil, "", ""
			if !sameOrigin(next, m.To) {
				m.Header = nil
			}
			if m.To = next; m.Followed != nil {
				m.Followed(next)
			}
			continue
		}
		body := w.alive.reader(res.Body)
		if res.StatusCode == http.StatusOK {
			return &closing{body, res.Body}, nil
		}
		defer res.Body.Close()
		return nil, w.refusal(res, body, m.To)
	}
	return nil, &RedirectError{fmt.Sprintf("after %d of them: they lead nowhere", maxRedirects)}
}

// message sends one request, and follows no redirect.
func (w *Web) message(m *Message) (*http.Response, error) {
	transport, err := w.transport(m.To)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(w.ctx, m.Method, m.To.String(), bytes.NewReader(m.Body))
	if err != nil {
		return nil, errors.New("the Git LFS address is malformed")
	}
	req.Header.Set("User-Agent", uploadpack.Agent)
	if transport == w.own && w.login.Header != "" {
		req.Header.Set("Authorization", w.login.Header)
	}
	for name, value := range m.Header {
		req.Header.Set(name, value)
	}
	if m.Type != "" {
		req.Header.Set("Accept", m.Type)
		req.Header.Set("Content-Type", m.Type)
	}
	defer w.alive.Wait()()
	res, err := transport.RoundTrip(req)
	if err != nil {
		return nil, w.explain(err)
	}
	return res, nil
}

// refusal returns an unwanted answer as an error.
func (w *Web) refusal(res *http.Response, body io.Reader, at *url.URL) error {
	e := answer.Refusal(res, body, time.Now())
	e.Asked = w.asked.Load() && !w.cert
	if !sameOrigin(at, w.origin) {
		e.Foreign = at.Host
	}
	return e
}

type closing struct {
	io.Reader
	io.Closer
}

package habit

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Habit is a way in which a host differs from a bare git http-backend.
type Habit func(next http.Handler) http.Handler

// Refuse answers with a status and a sentence.
func Refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, text)
}

// NeedCapability answers 400 to requests for a pack without a capability, as Azure
// DevOps does without multi_ack.
func NeedCapability(name string) Habit {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				if !bytes.Contains(body, []byte(name)) {
					Refuse(w, http.StatusBadRequest, "The Git protocol sent is not as expected (clients must support "+name+").")
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// NeedHeader answers 401 without exactly that Authorization header, and offers schemes.
func NeedHeader(value string, offers ...string) Habit {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != value {
				for _, o := range offers {
					w.Header().Add("WWW-Authenticate", o)
				}
				Refuse(w, http.StatusUnauthorized, "HTTP Basic: Access denied")
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Strict serves only clients of Git, which it knows by their name, their headers and
// their paths.
func Strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "//"):
			Refuse(w, http.StatusNotFound, "not found")
		case !strings.HasPrefix(r.UserAgent(), "git/"):
			Refuse(w, http.StatusForbidden, "clients of Git only")
		case r.Method == http.MethodPost && r.ContentLength < 0:
			Refuse(w, http.StatusLengthRequired, "how long is it")
		case r.Method == http.MethodPost && r.Header.Get("Content-Type") != "application/x-git-upload-pack-request",
			r.Method == http.MethodPost && r.Header.Get("Accept") != "application/x-git-upload-pack-result":
			Refuse(w, http.StatusUnsupportedMediaType, "not in this form")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// Unasked answers requests for a pack with a status until the references were asked
// for.
func Unasked(status int) Habit {
	return func(next http.Handler) http.Handler {
		var mu sync.Mutex
		asked := false
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			asked = asked || r.Method == http.MethodGet
			ok := asked
			mu.Unlock()
			if !ok {
				Refuse(w, status, "what is this")
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Says answers every request with a status, a type and a text. times bounds how often;
// 0 means always. headers are "Name: value".
func Says(status int, kind, text string, times int, headers ...string) Habit {
	return func(next http.Handler) http.Handler {
		var mu sync.Mutex
		said := 0
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			said++
			over := times > 0 && said > times
			mu.Unlock()
			if over {
				next.ServeHTTP(w, r)
				return
			}
			for _, h := range headers {
				name, value, _ := strings.Cut(h, ": ")
				w.Header().Add(name, value)
			}
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			io.WriteString(w, text)
		})
	}
}

// SignIn redirects everybody to a page for signing in.
func SignIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/users/sign_in" {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, "<!DOCTYPE html>\n<html><head><title>Sign in &middot; Example</title></head><body></body></html>")
			return
		}
		http.Redirect(w, r, "/users/sign_in?session=secret", http.StatusFound)
	})
}

// Redirect sends requests for references to another base.
func Redirect(status int, from, to string) Habit {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if rest, ok := strings.CutPrefix(r.URL.Path, from); ok && (rest == "" || rest[0] == '/') {
				target := to + rest
				if r.URL.RawQuery != "" {
					target += "?" + r.URL.RawQuery
				}
				http.Redirect(w, r, target, status)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// change lets edit rewrite an answer of Git's before it is sent.
func change(edit func(r *http.Request, h http.Header, body []byte) []byte) Habit {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			body := edit(r, rec.Header(), rec.Body.Bytes())
			for k, v := range rec.Header() {
				if k != "Content-Length" {
					w.Header()[k] = v
				}
			}
			w.WriteHeader(rec.Code)
			w.Write(body)
		})
	}
}

// Zipped compresses everything, whether or not the client asked for that.
func Zipped(next http.Handler) http.Handler {
	return change(func(_ *http.Request, h http.Header, body []byte) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(body)
		z.Close()
		h.Set("Content-Encoding", "gzip")
		return b.Bytes()
	})(next)
}

// Without hides capabilities from the references.
func Without(names ...string) Habit {
	return change(func(r *http.Request, _ http.Header, body []byte) []byte {
		if r.Method != http.MethodGet {
			return body
		}
		for _, name := range names { // by as many characters, so that the line's length stays true
			body = bytes.ReplaceAll(body, []byte(" "+name+" "), []byte(" "+strings.Repeat("x", len(name))+" "))
		}
		return body
	})
}

// Typed changes the type of answers to requests of a method.
func Typed(method, kind string) Habit {
	return change(func(r *http.Request, h http.Header, body []byte) []byte {
		if r.Method == method {
			h.Set("Content-Type", kind)
		}
		return body
	})
}

// Prepares delays the pack by n tenths of a second, and sends one of the pkt-lines in
// each, in turn. Without pkt-lines it is silent.
func Prepares(n int, lines ...string) Habit {
	return paced(n, func(w http.ResponseWriter, i int) {
		if len(lines) > 0 {
			io.WriteString(w, lines[i%len(lines)])
		}
	})
}

// KeepAlive and Progress are pkt-lines that a server may send while it prepares a pack.
const (
	KeepAlive = "0005\x01"
	Progress  = "0019\x02Counting objects\r..."
)

func paced(n int, beat func(w http.ResponseWriter, i int)) Habit {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost {
				next.ServeHTTP(w, r)
				return
			}
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			for k, v := range rec.Header() {
				if k != "Content-Length" {
					w.Header()[k] = v
				}
			}
			before, pack, _ := bytes.Cut(rec.Body.Bytes(), []byte("0008NAK\n"))
			w.Write(append(before, "0008NAK\n"...))
			for i := range n {
				beat(w, i)
				w.(http.Flusher).Flush()
				select {
				case <-time.After(100 * time.Millisecond):
				case <-r.Context().Done():
					return
				}
			}
			w.Write(pack)
		})
	}
}

// Silent says nothing at all for a time before it answers a request for a pack.
func Silent(d time.Duration) Habit {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				body, _ := io.ReadAll(r.Body) // so that the end of the connection is seen
				r.Body = io.NopCloser(bytes.NewReader(body))
				select {
				case <-time.After(d):
				case <-r.Context().Done():
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Packet answers requests for a pack with line. With refs it answers requests for the
// references, with line as a pkt-line, and refuses all others.
func Packet(line string, refs bool) Habit {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case refs && r.Method == http.MethodGet:
				w.Header().Set("Content-Type", "application/x-git-upload-pack-advertisement")
				io.WriteString(w, Line("# service=git-upload-pack\n")+"0000"+Line(line))
			case !refs && r.Method == http.MethodPost:
				w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
				fmt.Fprint(w, line)
			case refs:
				Refuse(w, http.StatusBadRequest, "references first")
			default:
				next.ServeHTTP(w, r)
			}
		})
	}
}

// Line returns one packet line of Git's protocol.
func Line(s string) string { return fmt.Sprintf("%04x%s", len(s)+4, s) }

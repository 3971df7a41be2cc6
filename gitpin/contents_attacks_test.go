package gitpin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"gitlauncher/gitpin"
	"gitlauncher/gitpin/fetch"
	"gitlauncher/internal/lfstest"
)

// lfsAttacks lists what a Git LFS server may do, and how a launch then ends.
var lfsAttacks = map[string]struct {
	change func(t *testing.T, h *lfsHost)
	reason fetch.Reason // -1 for none: all is placed
	says   string
}{
	"other bytes of that size": {func(t *testing.T, h *lfsHost) {
		h.lfs.Download = func(w http.ResponseWriter, r *http.Request) bool {
			info, err := os.Stat(filepath.Join(h.lfs.Dir, filepath.Base(r.URL.Path)))
			if err == nil {
				w.Write(make([]byte, info.Size()))
			}
			return err == nil
		}
	}, fetch.BadAnswer, "does not match its SHA-256"},
	"too short":   {func(t *testing.T, h *lfsHost) { h.lfs.Download = answers("x") }, fetch.Network, "unexpected EOF"},
	"endless":     {func(t *testing.T, h *lfsHost) { h.lfs.Download = endlessly }, fetch.BadAnswer, "has more than its"},
	"stalls":      {func(t *testing.T, h *lfsHost) { h.lfs.Download = stalls }, fetch.Stalled, "no byte has come from the server for the stall timeout"},
	"cut off":     {func(t *testing.T, h *lfsHost) { h.lfs.Download = cuts }, fetch.Network, "connection ends in the middle of the answer"},
	"missing":     {func(t *testing.T, h *lfsHost) { h.lfs.Object = objectError(404, "Object does not exist") }, fetch.NotFound, "does not have the Git LFS object"},
	"removed":     {func(t *testing.T, h *lfsHost) { h.lfs.Object = objectError(410, "gone") }, fetch.NotFound, "has removed the Git LFS object"},
	"refused":     {func(t *testing.T, h *lfsHost) { h.lfs.Object = objectError(422, "\x1b[31mno") }, fetch.Refused, `refuses the Git LFS object`},
	"busy object": {func(t *testing.T, h *lfsHost) { h.lfs.Object = objectError(503, "later") }, fetch.Network, "(code 503)"},
	"no LFS":      {func(t *testing.T, h *lfsHost) { h.lfs.Batch = status(404, "Not found") }, fetch.NotFound, "not found: Not found (HTTP 404)"},
	"a page":      {func(t *testing.T, h *lfsHost) { h.lfs.Batch = answers("<html><title>Sign in</title>") }, fetch.BadAnswer, "is not JSON as its API has it"},
	"too much":    {func(t *testing.T, h *lfsHost) { h.lfs.Batch = endlessly }, fetch.BadAnswer, "has more than 4 MiB"},
	"a login":     {func(t *testing.T, h *lfsHost) { h.lfs.Token = "s3cret" }, fetch.Auth, "the server wants a login, and the config names no token"},
	"quota":       {func(t *testing.T, h *lfsHost) { h.lfs.Batch = status(509, "bandwidth limit exceeded") }, fetch.Network, "bandwidth limit exceeded (HTTP 509)"},
	"a link to this machine": {func(t *testing.T, h *lfsHost) {
		h.lfs.Action = func(_ string, a map[string]any) { a["href"] = "http://169.254.169.254/latest" }
	}, fetch.Unsuitable, "to a link-local or loopback address"},
	"a link to a file": {func(t *testing.T, h *lfsHost) {
		h.lfs.Action = func(_ string, a map[string]any) { a["href"] = "file:///etc/passwd" }
	}, fetch.BadAnswer, "has a link that is not an address"},
	"another host's name in a header": {func(t *testing.T, h *lfsHost) {
		h.lfs.Action = func(_ string, a map[string]any) { a["header"] = map[string]string{"Host": "metadata"} }
	}, fetch.BadAnswer, "no link may set"},
	"a link that is over, again and again": {func(t *testing.T, h *lfsHost) {
		h.lfs.Action = func(_ string, a map[string]any) { a["expires_in"] = -1 }
	}, fetch.Unsuitable, "expired before it could be used"},
	"another size": {func(t *testing.T, h *lfsHost) {
		h.lfs.Object = func(_ string, o map[string]any) { o["size"] = 1 }
	}, fetch.BadAnswer, "or of another size"},
	"another transfer": {func(t *testing.T, h *lfsHost) {
		h.lfs.Batch = answers(`{"transfer":"tus","objects":[]}`)
	}, fetch.BadAnswer, `for the transfer "tus"`},

	"busy once": {func(t *testing.T, h *lfsHost) { h.lfs.Batch = onlyFirst(1, status(503, "later")) }, -1, ""},
	"wants to be asked later": {func(t *testing.T, h *lfsHost) {
		h.lfs.Batch = onlyFirst(1, func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Retry-After", "1")
			lfstest.Refuse(w, 429, "slow down")
			return true
		})
	}, -1, ""},
	"cut off once": {func(t *testing.T, h *lfsHost) { h.lfs.Download = onlyFirst(1, cuts) }, -1, ""},
	"a link that was over once": {func(t *testing.T, h *lfsHost) {
		h.lfs.Action = once(func(a map[string]any) { a["expires_at"] = "2020-01-01T00:00:00Z" })
	}, -1, ""},
	"a link that is refused once": {func(t *testing.T, h *lfsHost) { h.lfs.Download = onlyFirst(1, status(403, "Request has expired")) }, -1, ""},
	"links with a header": {func(t *testing.T, h *lfsHost) {
		h.lfs.Action = func(_ string, a map[string]any) { a["header"] = map[string]string{"X-Key": "k"} }
		h.lfs.Download = func(w http.ResponseWriter, r *http.Request) bool {
			return r.Header.Get("X-Key") != "k" && status(403, "no key")(w, r)
		}
	}, -1, ""},
	"links to another host": {func(t *testing.T, h *lfsHost) {
		other := httptest.NewServer(&lfstest.Server{Dir: h.lfs.Dir})
		t.Cleanup(other.Close)
		h.lfs.Storage = other.URL
	}, -1, ""},
	"links that lead on": {func(t *testing.T, h *lfsHost) {
		other := httptest.NewServer(&lfstest.Server{Dir: h.lfs.Dir})
		t.Cleanup(other.Close)
		h.lfs.Download = func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
			return true
		}
	}, -1, ""},
}

func answers(text string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool { io.WriteString(w, text); return true }
}

func status(code int, message string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool { lfstest.Refuse(w, code, message); return true }
}

func endlessly(w http.ResponseWriter, r *http.Request) bool {
	for r.Context().Err() == nil {
		if _, err := w.Write(bytes.Repeat([]byte("x"), 64<<10)); err != nil {
			break
		}
	}
	return true
}

func stalls(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("Content-Length", "12")
	io.WriteString(w, "the")
	w.(http.Flusher).Flush()
	<-r.Context().Done()
	return true
}

func cuts(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("Content-Length", "12")
	io.WriteString(w, "the")
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// onlyFirst answers the first n requests by do.
func onlyFirst(n int32, do func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	var seen atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) bool { return seen.Add(1) <= n && do(w, r) }
}

// once changes only the first link.
func once(change func(map[string]any)) func(string, map[string]any) {
	var seen atomic.Bool
	return func(_ string, a map[string]any) {
		if !seen.Swap(true) {
			change(a)
		}
	}
}

func objectError(code int, message string) func(string, map[string]any) {
	return func(_ string, o map[string]any) {
		delete(o, "actions")
		o["error"] = map[string]any{"code": code, "message": message}
	}
}

// TestLFSAttacks: whatever the Git LFS server does, the launch has every content that its
// pointers name, or fails for the true reason and leaves nothing.
// SECURITY.md: G11.
func TestLFSAttacks(t *testing.T) {
	filled := newLFSHost(t)
	for name, c := range lfsAttacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := filled.another(t)
			c.change(t, h)
			dir := filepath.Join(t.TempDir(), "work")
			p := h.params(t, dir)
			if c.reason < 0 {
				p.Retries = 2
			}
			got, err := gitpin.Pin(context.Background(), p)
			if c.reason < 0 {
				if err != nil {
					t.Fatal(err)
				}
				got.Close()
				h.holds(t, dir, got)
				return
			}
			var failed *gitpin.FetchError
			if !errors.As(err, &failed) || failed.Reason != c.reason || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\x1b") {
				t.Fatalf("%v", err)
			}
			if _, err := os.Lstat(dir); err == nil {
				t.Error("WORK_DIR exists after a refusal")
			}
		})
	}
}

package answer

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// TestRetryAfter: both forms of the header are read, and GitHub's own headers.
func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, value string
		more        string // X-RateLimit-Remaining
		pause       time.Duration
		waits       bool
	}{
		{"Retry-After", "120", "", 2 * time.Minute, true},
		{"Retry-After", "0", "", 0, true},
		{"Retry-After", "Thu, 26 Nov 2026 12:00:30 GMT", "", 30 * time.Second, true},
		{"Retry-After", "Thu, 26 Nov 2020 12:00:30 GMT", "", 0, true},
		{"Retry-After", "soon", "", 0, true},
		{"Retry-After", "-5", "", 0, true},
		{"Retry-After", "99999999999999999999", "", 0, true},
		{"X-RateLimit-Reset", fmt.Sprint(now.Add(time.Minute).Unix()), "0", time.Minute, true},
		{"X-RateLimit-Reset", fmt.Sprint(now.Add(time.Minute).Unix()), "12", 0, false},
		{"Server", "x", "", 0, false},
	} {
		h := http.Header{}
		h.Set(c.name, c.value)
		if c.more != "" {
			h.Set("X-RateLimit-Remaining", c.more)
		}
		if pause, waits := retryAfter(h, now); pause != c.pause || waits != c.waits {
			t.Errorf("%s: %s: %v, %t", c.name, c.value, pause, waits)
		}
	}
}

// TestLook: an answer that is not Git's is called what it is.
func TestLook(t *testing.T) {
	const asked, refs = "https://h/r.git/info/refs", "001e# service=git-upload-pack\n0000"
	for _, c := range []struct {
		status     int
		kind, body string
		says       string // empty: the answer is Git's
	}{
		{200, "", refs, ""},
		{200, "", "", "the server ends the connection without an answer"},
		{200, "text/html", "<html><title>Sign in</title>", `the server answers with a web page, not with a Git repository, at ` + asked + `; the page is called "Sign in" (HTTP 200)`},
		{200, "text/html", "<html>", "the server answers with a web page, not with a Git repository, at " + asked + " (HTTP 200)"},
		{200, "", "\ufeff \n<!doctype html>", "the server answers with a web page, not with a Git repository, at " + asked + " (HTTP 200)"},
		{200, "text/plain", "hello there\nagain", `the answer is not a Git repository's, at ` + asked + `; it begins with "hello there" (HTTP 200)`},
		{200, "text/plain", "\n", "the answer is not a Git repository's, at " + asked + " (HTTP 200)"},
		{200, "text/plain", strings.Repeat("1", 40) + "\trefs/heads/main\n", "the server has the repository as static files only (dumb HTTP)"},
		{200, "text/plain", strings.Repeat("a", 64) + "\trefs/heads/main\n", "the server has the repository as static files only (dumb HTTP)"},
		{302, "", "", "the server redirects where Git does not follow, from " + asked + " (HTTP 302)"},
	} {
		res := &http.Response{StatusCode: c.status, Header: http.Header{}, Request: &http.Request{Method: http.MethodGet}}
		if c.kind != "" {
			res.Header.Set("Content-Type", c.kind)
		}
		err := Look(res, bufio.NewReader(strings.NewReader(c.body)), asked, time.Now())
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.HasPrefix(err.Error(), c.says)) {
			t.Errorf("%d %q: %v; want %q", c.status, c.body, err, c.says)
		}
	}
	dead := errors.New("the connection breaks")
	res := &http.Response{StatusCode: 200, Header: http.Header{}, Request: &http.Request{Method: http.MethodGet}}
	if err := Look(res, bufio.NewReader(iotest.ErrReader(dead)), asked, time.Now()); err != dead {
		t.Errorf("a broken connection: %v", err)
	}
}

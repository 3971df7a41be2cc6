package answer

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// TestRetryAfter: both forms of the header, and GitHub's own.
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

package measure

import (
	"strings"
	"testing"
)

// TestParseReceiptVersion: a receipt of another version is refused in plain words.
func TestParseReceiptVersion(t *testing.T) {
	for text, want := range map[string]string{
		`{"version": 99}`:   "receipt: version is a number, which no receipt has there",
		`{"version": "99"}`: `receipt has the unknown version "99"`,
	} {
		if _, err := ParseReceipt([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "Go ") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

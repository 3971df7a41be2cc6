package system_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"gitlauncher/verify/system"
	"gitlauncher/verify/system/catalogue"
)

// TestSizes: the largest of each input is read, and one byte more is not. Padding that
// is read is then refused for what it is.
func TestSizes(t *testing.T) {
	spaces := func(text string, size int) []byte { return []byte(text + strings.Repeat(" ", size-len(text))) }
	for _, c := range []struct {
		what  string
		limit int
		parse func(size int) error
		below string // why the padding is refused
		says  string
	}{
		{"vm_config", 128 << 10, func(size int) error { _, err := system.ParseVMConfig(spaces("{}", size)); return err }, "", "vm_config: is larger than 128 KiB"},
		{"document", 16 << 10, func(size int) error {
			_, err := system.ParseDocument(append([]byte{0xa0}, make([]byte, size-1)...))
			return err
		}, "measurement document: cbor: ", "measurement document: is larger than 16 KiB"},
		{"checksum file", 16 << 10, func(size int) error {
			return system.CheckDocument(append(bytes.Repeat([]byte{'x'}, size-1), '\n'), nil)
		}, "checksum file: line 1", "checksum file: is larger than 16 KiB"},
		{"catalogue", 4 << 20, func(size int) error {
			_, err := new(catalogue.Catalogue).With(spaces(`{"version":1}`, size))
			return err
		}, "", "systems: is larger than 4 MiB"},
	} {
		for size, says := range map[int]string{c.limit - 1: c.below, c.limit: c.below, c.limit + 1: c.says} {
			if err := c.parse(size); says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
				t.Errorf("%s of %d bytes: %v; want %q", c.what, size, err, says)
			}
		}
	}
}

// TestNoDocuments: what is not CBOR, or CBOR that two readers could read differently,
// is refused.
func TestNoDocuments(t *testing.T) {
	const version = "\x67version"
	nested := func(levels int) string { return "\xa1\x61x" + strings.Repeat("\x81", levels) + "\x00" }
	entries := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "\x62%02d\x00", i)
		}
		return string([]byte{0xa0 | byte(n)}) + b.String()
	}
	for document, says := range map[string]string{
		"":         "EOF",
		"\x80":     "cannot unmarshal array",
		"\xbf\xff": "indefinite-length",
		"\xc1\xa0": "tag",
		"\xa0\xa0": "extraneous data",
		"\xa2" + version + "\x03" + version + "\x03": "duplicate map key",
		"\xa1" + version + "\x61x":                   "cannot unmarshal UTF-8 text string",
		"\xa1" + version + "\x20":                    "cannot unmarshal negative integer",
		"\xa1\x61\xff\x00":                           "invalid UTF-8",
		"\xa1" + version:                             "unexpected EOF",
		nested(3):                                    "version 0 is not known",
		nested(4):                                    "exceeded max nested level 4",
		"\xa1\x61x\x90" + strings.Repeat("\x00", 16): "version 0 is not known",
		"\xa1\x61x\x91" + strings.Repeat("\x00", 17): "exceeded max number of elements 16",
		entries(15):                                  "version 0 is not known",
		entries(16):                                  "version 0 is not known",
		entries(17):                                  "exceeded max number of key-value pairs 16",
	} {
		if _, err := system.ParseDocument([]byte(document)); err == nil || !strings.HasPrefix(err.Error(), "measurement document: ") || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v; want %q", document, err, says)
		}
	}
}

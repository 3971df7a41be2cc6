package entryscript

import (
	"strings"
	"testing"
)

// TestLook: what would fail in the VM is named; what works there is not remarked on.
func TestLook(t *testing.T) {
	for script, want := range map[string]string{
		"#!/bin/bash\r\nset -e\r\necho x\r\n":              "Windows line endings",
		"\xef\xbb\xbf#!/bin/bash\necho x\n":                "byte-order mark",
		"\xff\xfee\x00":                                    "UTF-16",
		"#!/usr/bin/env python3\nprint('x')\n":             `interpreter "python3"`,
		"#!/usr/bin/env -S FOO=bar node --x\n":             `interpreter "node"`,
		"#! /usr/bin/perl -w\nprint;\n":                    `interpreter "perl"`,
		"\x7fELF\x02\x01\x01\x00":                          "is a program",
		"echo x\x00":                                       "NUL",
		" \n":                                              "is empty",
		"if true; then\necho x\n":                          "unexpected end of file",
		"echo 'x\n":                                        "unexpected EOF",
		"#!/bin/bash\nexec ./server\n":                     "",
		"#!/bin/sh\necho x\n":                              "",
		"#!/usr/bin/env bash\necho x\n":                    "",
		"echo x\n":                                         "",
		"cat <<EOF\r\nthis text is to be so\r\nEOF\r\n":    "Windows line endings",
		"#!/bin/bash -eu\nrm -rf /nonexistent-of-a-test\n": "",
	} {
		got := strings.Join(Look(t.Context(), []byte(script)), "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q, not %q", script, got, want)
		}
	}
}

func TestHandsOver(t *testing.T) {
	for script, want := range map[string]bool{
		"echo x\nexec ./server\n# end\n\n": true,
		"exec 3>log\n./server\n":           false,
		"echo x":                           false,
		"":                                 false,
	} {
		if HandsOver([]byte(script)) != want {
			t.Errorf("%q", script)
		}
	}
}

package entryscript

import (
	"slices"
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

// TestCalls: programs that the image lacks are named, and nothing that a script may
// well have. Once a script installs or reads more, nothing is named.
func TestCalls(t *testing.T) {
	executable := func(name string) (is, may bool) {
		return name == "./plain" || name == "bin/tool" || name == "data", name == "bin/tool"
	}
	for script, want := range map[string]string{
		"exec python3 main.py\n":                                     `calls ["python3"]`,
		"set -e\nif true; then FOO=1 node x; fi\nnode y\n":           `calls ["node"]`,
		"x=$(jq . f | grep y)\n":                                     `calls ["jq"]`,
		"exec /usr/bin/python3 x\n":                                  `calls ["/usr/bin/python3"]`,
		"exec env A=b nohup ruby python3\n":                          `calls ["ruby"]`,
		"make && exec ./plain\n":                                     `calls "./plain", which is not executable`,
		"exec ./server\n":                                            "",
		"exec bin/tool --x\n":                                        "",
		"cd /srv && exec ./plain\n":                                  "",
		"bash data\n":                                                "",
		"f() { echo x; }\nf\n":                                       "",
		"curl -fsS x | tar xz\nsleep 1; git status; awk x; [ -e y ]": "",
		"if command -v python3; then python3 x; fi\n":                "",
		"apt-get update && apt-get install -y python3\npython3 x":    "",
		"export PATH=$PWD/bin:$PATH\npython3 x":                      "",
		"PATH=/opt/bin\npython3 x":                                   "",
		". ./env.sh\npython3 x\n":                                    "",
		"\"$RUN\" x; ${RUN} y; exec \"$@\"\n":                        "",
		"/opt/app/server\n":                                          "",
		"if true; then\npython3\n":                                   "",
		"cat <<EOF\npython3 x\nEOF\n":                                "",
	} {
		got := strings.Join(Calls([]byte(script), executable), "; ")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%q: %q, not %q", script, got, want)
		}
	}
}

// TestPrograms: the list is sorted, and has the programs that scripts can't do without.
func TestPrograms(t *testing.T) {
	names := Programs()
	if !slices.IsSorted(names) || len(names) < 300 {
		t.Errorf("%d names, sorted: %t", len(names), slices.IsSorted(names))
	}
	for _, name := range []string{"bash", "git", "curl", "ssh", "cat", "awk", "perl", "tar", "git-launcher"} {
		if _, there := slices.BinarySearch(names, name); !there {
			t.Errorf("no %s", name)
		}
	}
}

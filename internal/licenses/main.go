// Command licenses lists what is linked into the programs, and prints each licence text
// that comes with it once: `make licenses` writes THIRD-PARTY-LICENSES, which goes into
// the images and into releases. A module without a licence file is an error.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	text, err := list(".")
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

// module is what `go list` says about a package's module.
type module struct {
	Path, Version, Dir string
	Main               bool
}

// text is a licence's text without the lines that say whose the copyright is, and the
// files that hold it.
type text struct {
	words string
	of    []string // "module version: file" and its copyright lines, in the order of modules
}

// list returns the licences of Go and of all modules that are linked into ./cmd/...,
// for the systems of releases.
func list(dir string) ([]byte, error) {
	modules := make(map[string]module)
	for _, system := range []string{"linux", "darwin", "windows"} {
		if err := linked(dir, system, modules); err != nil {
			return nil, err
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	texts, err := collect(nil, "The Go standard library and run time", strings.TrimSpace(string(root)))
	if err != nil {
		return nil, err
	}
	for _, p := range slices.Sorted(maps.Keys(modules)) {
		if texts, err = collect(texts, p+" "+modules[p].Version, modules[p].Dir); err != nil {
			return nil, err
		}
	}
	return format(texts), nil
}

// format returns each text, below the names of all that come with it.
func format(texts []text) []byte {
	var b bytes.Buffer
	b.WriteString("What is linked into git-launcher's programs, and the licences that it comes with,\neach text once. Written by `make licenses`. git-launcher itself: see LICENSE.\n")
	rule := strings.Repeat("=", 78)
	for _, t := range texts {
		fmt.Fprintf(&b, "\n%s\n%s\n%[1]s\n\n%[3]s\n", rule, strings.Join(t.of, "\n"), t.words)
	}
	return b.Bytes()
}

func linked(dir, system string, into map[string]module) error {
	cmd := exec.Command("go", "list", "-deps", "-json=Module", "./cmd/...")
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64", "GOOS="+system)
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct{ Module *module }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if p.Module != nil && !p.Module.Main {
			into[p.Module.Path] = *p.Module
		}
	}
}

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([._-].*)?$`)

// collect adds the licence files of one directory to the texts.
func collect(texts []text, title, dir string) ([]text, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	found := false
	for _, e := range entries {
		if !licenceFile.MatchString(e.Name()) || filepath.Ext(e.Name()) == ".go" || !e.Type().IsRegular() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		found = true
		words, owners := plain(data)
		name := title + ": " + e.Name() + owners
		i := slices.IndexFunc(texts, func(t text) bool { return sameWords(t.words, words) })
		if i < 0 {
			texts = append(texts, text{words: words})
			i = len(texts) - 1
		}
		texts[i].of = append(texts[i].of, name)
	}
	if !found {
		return nil, fmt.Errorf("%s comes without a licence", title)
	}
	return texts, nil
}

// copyrightLine is a line that names a year and an owner, or the place for them.
var copyrightLine = regexp.MustCompile(`(?im)^.*\bcopyright\b.*(\d{4}|[[{]yyyy[]}]).*\n?|^\s*all rights reserved\.?\s*\n?`)

// plain returns a text without copyright lines, with Unix line endings, and without
// empty lines around it. owners has those copyright lines, each indented on its own
// line.
func plain(data []byte) (words, owners string) {
	s := strings.ReplaceAll(string(data), "\r\n", "\n")
	for _, line := range copyrightLine.FindAllString(s, -1) {
		owners += "\n    " + strings.TrimSpace(line)
	}
	return strings.Trim(copyrightLine.ReplaceAllString(s, ""), "\n\t "), owners
}

// sameWords compares texts by their words, because copies of one licence differ in how
// their lines are broken.
func sameWords(a, b string) bool {
	return slices.Equal(strings.Fields(a), strings.Fields(b))
}

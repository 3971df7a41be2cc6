// Command licenses lists what is linked into the programs, with the licences that
// come with it: `make licenses` writes LICENSES, which goes into the image and into
// releases. A module without a licence file is an error.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// module is what `go list` says of a package's module.
type module struct {
	Path, Version, Dir string
	Main               bool
}

// list gives the licences of all modules that are linked into ./cmd/..., for the
// systems that there are releases for, and Go's own.
func list(dir string) ([]byte, error) {
	modules := make(map[string]module)
	for _, system := range []string{"linux", "darwin"} {
		if err := linked(dir, system, modules); err != nil {
			return nil, err
		}
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("What is linked into git-launcher's programs, and the licences that it comes with.\nWritten by `make licenses`. git-launcher itself: see LICENSE.\n")
	if err := add(&b, "The Go standard library and run time", strings.TrimSpace(string(root))); err != nil {
		return nil, err
	}
	var paths []string
	for p := range modules {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		if err := add(&b, p+" "+modules[p].Version, modules[p].Dir); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
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

// add writes the licence files of one directory.
func add(b *bytes.Buffer, title, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	found := false
	for _, e := range entries {
		if !licenceFile.MatchString(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		found = true
		fmt.Fprintf(b, "\n%s\n%s: %s\n%[1]s\n\n%[4]s\n", strings.Repeat("=", 78), title, e.Name(), bytes.TrimSpace(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))))
	}
	if !found {
		return fmt.Errorf("%s comes without a licence", title)
	}
	return nil
}

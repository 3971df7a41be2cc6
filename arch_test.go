// Package gitlauncher holds the tests of the whole: who imports whom, and that every
// fuzz target has seeds. The programs are in cmd.
package gitlauncher

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pkg is what `go list` says of a package.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Standard   bool
}

func list(t *testing.T) map[string]pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps,Standard", "-deps", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	pkgs := make(map[string]pkg)
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs[p.ImportPath] = p
	}
}

// below reports whether a package is that one or lies below it.
func below(path, root string) bool { return path == root || strings.HasPrefix(path, root+"/") }

// TestWhoImportsWhom holds the rooms apart: parse, pin, measure, wire.
func TestWhoImportsWhom(t *testing.T) {
	pkgs := list(t)
	const sdk, transports = "github.com/Dstack-TEE/dstack", "github.com/go-git/go-git/v5/plumbing/transport"
	rules := []struct {
		name string
		of   func(path string) bool // whose imports
		not  func(path string) bool // must not be these
		deep bool                   // nor reach them
	}{
		{"nothing imports cmd", func(p string) bool { return true }, func(p string) bool { return below(p, "gitlauncher/cmd") }, false},
		{"only measure/dstack imports the SDK", func(p string) bool { return !below(p, "gitlauncher/measure/dstack") }, func(p string) bool { return below(p, sdk) }, false},
		{"measure is the standard library and strictjson", func(p string) bool { return p == "gitlauncher/measure" || p == "gitlauncher/internal/strictjson" },
			func(p string) bool { return !pkgs[p].Standard && p != "gitlauncher/internal/strictjson" }, true},
		{"config is pure", func(p string) bool { return p == "gitlauncher/config" },
			func(p string) bool {
				return p == "os/exec" || below(p, transports) || p == "gitlauncher/config/configfile"
			}, true},
		{"objects are pure", func(p string) bool { return p == "gitlauncher/gitpin/object" },
			func(p string) bool { return p == "net" || below(p, "github.com/go-git") }, true},
		{"the launcher has no simulator and no test server", func(p string) bool { return p == "gitlauncher/cmd/git-launcher" },
			func(p string) bool {
				return below(p, "gitlauncher/internal/sim") || below(p, "gitlauncher/internal/gittest") || below(p, "gitlauncher/internal/regtest") || p == "testing"
			}, true},
		{"git mode knows nothing of image mode", func(p string) bool { return below(p, "gitlauncher/gitpin") },
			func(p string) bool { return below(p, "gitlauncher/imagepin") }, true},
		{"image mode knows nothing of git mode", func(p string) bool { return below(p, "gitlauncher/imagepin") },
			func(p string) bool { return below(p, "gitlauncher/gitpin") }, true},
		{"godotenv reads the older user config and nothing else", func(p string) bool { return p != "gitlauncher/imagepin/userconfig" },
			func(p string) bool { return below(p, "github.com/joho/godotenv") }, false},
		{"the user config and the documents of images are read without a network", func(p string) bool {
			return below(p, "gitlauncher/imagepin/oci") || below(p, "gitlauncher/imagepin/userconfig")
		},
			func(p string) bool { return p == "net" || p == "net/http" }, true},
		{"parsing and measuring know nothing of pinning's network", func(p string) bool { return below(p, "gitlauncher/measure") },
			func(p string) bool { return below(p, "gitlauncher/gitpin") || below(p, transports) }, true},
	}
	for _, rule := range rules {
		checked := 0
		for path, p := range pkgs {
			if !below(path, "gitlauncher") || !rule.of(path) {
				continue
			}
			checked++
			imports := p.Imports
			if rule.deep {
				imports = p.Deps
			}
			if i := slices.IndexFunc(imports, rule.not); i >= 0 {
				t.Errorf("%s: %s imports %s", rule.name, path, imports[i])
			}
		}
		if checked == 0 {
			t.Errorf("%s: nothing was checked", rule.name)
		}
	}
}

// TestEveryFuzzTargetHasSeeds: a fuzz target without seeds tests nothing in `go test`.
func TestEveryFuzzTargetHasSeeds(t *testing.T) {
	targets := 0
	err := filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`).FindAllStringSubmatch(string(source), -1) {
			targets++
			if seeds, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "testdata", "fuzz", m[1], "*")); len(seeds) == 0 {
				t.Errorf("%s has no committed seed", m[1])
			}
		}
		return nil
	})
	if err != nil || targets == 0 {
		t.Errorf("%d fuzz targets, %v", targets, err)
	}
}

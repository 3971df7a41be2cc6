package gitlauncher

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

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

// TestDecisionsIndex: the index of doc/decisions.md has every decision, by its heading.
func TestDecisionsIndex(t *testing.T) {
	page, err := os.ReadFile("doc/decisions.md")
	if err != nil {
		t.Fatal(err)
	}
	headings := regexp.MustCompile(`(?m)^## (\d{4}-\d\d-\d\d: )?(.*)$`).FindAllStringSubmatch(string(page), -1)
	for _, h := range headings {
		if line := "[" + h[2] + "](#" + anchor(h[1]+h[2]) + ")"; !strings.Contains(string(page), line) {
			t.Errorf("doc/decisions.md, above: add a line to the index, below its area:\n- %s", line)
		}
	}
	if len(headings) < 40 {
		t.Errorf("%d decisions", len(headings))
	}
}

// anchor returns the anchor that GitHub gives a heading.
func anchor(heading string) string {
	return strings.ReplaceAll(regexp.MustCompile(`[^\w\- ]`).ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

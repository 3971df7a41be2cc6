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

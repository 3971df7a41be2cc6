//go:build image

package test

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gitlauncher/internal/entryscript"
)

// TestPrograms: the image has exactly the programs that check and pin expect in it. The lock
// names packages, not their files, so only a built image can tell.
func TestPrograms(t *testing.T) {
	list, err := os.ReadFile(filepath.Join(top, "bin/image/git-launcher.files"))
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for line := range strings.Lines(string(list)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		dir, name := path.Split(f[len(f)-1])
		if f[0] != "d" && slices.Contains([]string{"/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/"}, dir) {
			there = append(there, name)
		}
	}
	slices.Sort(there)
	there = slices.Compact(there)
	for _, name := range there {
		if _, said := slices.BinarySearch(entryscript.Programs(), name); !said {
			t.Errorf("the image has %s, and internal/entryscript/programs.txt does not", name)
		}
	}
	for _, name := range entryscript.Programs() {
		if _, is := slices.BinarySearch(there, name); !is {
			t.Errorf("internal/entryscript/programs.txt has %s, and the image does not", name)
		}
	}
}

package clonehash

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gitlauncher/gitpin/object"
	"gitlauncher/measure"
)

// family returns a clone with a submodule, one in that, and one that git leaves out.
func family(t *testing.T, f object.Format) (dir string, submodules []measure.Submodule) {
	t.Helper()
	in, lib, app := sample(t, f), sample(t, f), sample(t, f)
	write(t, []byte("more"), in, "more")
	commit := func(dir string) string {
		git(t, dir, "", "add", "-A")
		git(t, dir, "", "commit", "-q", "-m", "y")
		return git(t, dir, "", "rev-parse", "HEAD")
	}
	inID := commit(in)
	add := func(dir, from, path string) {
		git(t, dir, "", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", from, path)
	}
	add(lib, in, "deep/in")
	libID := commit(lib)
	add(app, lib, "the lib")
	add(app, in, "out")
	git(t, app, "", "config", "-f", ".gitmodules", "submodule.out.update", "none")
	commit(app)
	dir = filepath.Join(t.TempDir(), "clone")
	git(t, app, "", "-c", "protocol.file.allow=always", "clone", "-q", "--recurse-submodules", app, dir)
	return dir, []measure.Submodule{{Commit: libID, Path: "the lib"}, {Commit: inID, Path: "the lib/deep/in"}}
}

// listingWith writes the listing of a commit and what is placed, by git and sha256sum.
func listingWith(t *testing.T, sum hash.Hash, top, dir, commit, prefix string, placed []measure.Submodule) {
	t.Helper()
	for entry := range strings.SplitSeq(strings.TrimSuffix(git(t, dir, "", "ls-tree", "-rz", commit), "\x00"), "\x00") {
		meta, name, _ := strings.Cut(entry, "\t")
		f := strings.Fields(meta)
		id := f[2]
		if f[1] == "blob" {
			out, err := exec.Command("git", "-C", dir, "cat-file", "blob", id).Output()
			if err != nil {
				t.Fatal(err)
			}
			id = fmt.Sprintf("%x", sha256.Sum256(out))
		}
		fmt.Fprintf(sum, "%s %s %s\x00", f[0], id, prefix+name)
		if slices.Contains(placed, measure.Submodule{Commit: f[2], Path: prefix + name}) {
			listingWith(t, sum, top, filepath.Join(top, prefix+name), f[2], prefix+name+"/", placed)
		}
	}
}

// TestSubmodules: a record of version 2 is computed from a clone with its submodules.
func TestSubmodules(t *testing.T) {
	for _, f := range object.Formats() {
		dir, all := family(t, f)
		for name, placed := range map[string][]measure.Submodule{"all": all, "one": all[:1], "none": nil} {
			c, id := opened(t, dir)
			sum := sha256.New()
			listingWith(t, sum, dir, dir, "HEAD", "", placed)
			want := hex.EncodeToString(sum.Sum(nil))
			lying := append(slices.Clone(placed), measure.Submodule{Commit: all[1].Commit, Path: "none"}, measure.Submodule{Commit: all[0].Commit, Path: "out"})
			d, err := c.Digests(id, measure.Beyond{Submodules: lying})
			if err != nil || d.ContentSHA256 != want || !slices.Equal(d.Submodules, placed) {
				t.Errorf("%s %s: %+v, %v; want %s", f, name, d, err, want)
			}
			if name != "all" {
				continue
			}
			if d, err := c.Digests(id, measure.Beyond{Recursive: true}); err != nil || d.ContentSHA256 != want || !slices.Equal(d.Submodules, all) {
				t.Errorf("%s: %+v, %v; want %s", f, d, err, want)
			} else if _, err := d.FileSHA256("the lib/deep/in/more"); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestSubmoduleMissing: a clone without its submodules says which.
func TestSubmoduleMissing(t *testing.T) {
	dir, all := family(t, object.SHA1)
	for _, gone := range []string{".git/modules/the lib/modules", ".git/modules"} {
		if err := os.RemoveAll(filepath.Join(dir, gone)); err != nil {
			t.Fatal(err)
		}
		c, id := opened(t, dir)
		var missing *MissingError
		if _, err := c.Digests(id, measure.Beyond{Recursive: true}); !errors.As(err, &missing) || !strings.HasPrefix(missing.Path, all[0].Path) {
			t.Errorf("without %s: %v", gone, err)
		}
	}
}

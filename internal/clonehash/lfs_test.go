package clonehash

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/gitpin/lfs"
	"gitlauncher/gitpin/object"
	"gitlauncher/measure"
)

// TestLFS: where contents of Git LFS files were placed, the listing has them by their
// pointers. A file that is no pointer, and a link that looks like one, count as they
// are.
func TestLFS(t *testing.T) {
	pointer := lfs.Pointer{SHA256: sha256.Sum256([]byte("content")), Size: 7}
	begins := string(pointer.Bytes()) + strings.Repeat("x", lfs.MaxPointer)
	for _, f := range object.Formats() {
		dir := sample(t, f)
		for name, content := range map[string]string{"one": string(pointer.Bytes()), "long": begins} {
			write(t, []byte(content), dir, name)
		}
		if err := os.Symlink("version https://git-lfs.github.com/spec/v1\n", filepath.Join(dir, "to")); err != nil {
			t.Fatal(err)
		}
		git(t, dir, "", "add", "-A")
		git(t, dir, "", "commit", "-q", "-m", "lfs")
		c, id := opened(t, dir)
		content, listing := measure.NewListing(), sha256.New()
		for entry := range strings.SplitSeq(strings.TrimSuffix(git(t, dir, "", "ls-tree", "-rz", "HEAD"), "\x00"), "\x00") {
			meta, name, _ := strings.Cut(entry, "\t")
			var mode uint32
			fmt.Sscanf(meta, "%o", &mode)
			blob, err := exec.Command("git", "-C", dir, "cat-file", "blob", strings.Fields(meta)[2]).Output()
			if err != nil {
				t.Fatal(err)
			}
			hash := sha256.Sum256(blob)
			if name == "one" {
				hash = pointer.SHA256
			}
			content.AddFile(mode, hash, name)
		}
		fmt.Fprintf(listing, "%s 7 one\x00", pointer.OID())
		want := fmt.Sprintf("%x", listing.Sum(nil))
		d, err := c.Digests(id, measure.Beyond{LFS: true})
		if err != nil || d.ContentSHA256 != content.Sum() || d.LFSSHA256 != want {
			t.Errorf("%s: %+v, %v; want %s and %s", f, d, err, content.Sum(), want)
		} else if sum, err := d.FileSHA256("one"); err != nil || sum != pointer.OID() {
			t.Errorf("%s: the file has %s, %v", f, sum, err)
		}
		plain, err := c.Digests(id, measure.Beyond{})
		if err != nil || plain.LFSSHA256 != "" || plain.ContentSHA256 == content.Sum() {
			t.Errorf("%s without LFS: %+v, %v", f, plain, err)
		}

		write(t, []byte(strings.Replace(string(pointer.Bytes()), "size 7", "size 07", 1)), dir, "one")
		git(t, dir, "", "commit", "-qam", "another form")
		if id, err = c.Head(); err != nil {
			t.Fatal(err)
		}
		again, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		if _, err := again.Digests(id, measure.Beyond{LFS: true}); err == nil || !strings.Contains(err.Error(), `"one" is a Git LFS pointer in another form`) {
			t.Errorf("%s: a pointer of another form: %v", f, err)
		}
	}
}

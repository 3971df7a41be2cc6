package imagepin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gitlauncher/imagepin/oci"
)

// TestFileSizes: the largest list of digests and the largest user config are read. One byte
// more is refused.
func TestFileSizes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	for _, c := range []struct {
		what  string
		good  string
		limit int
		read  func() error
		says  string
	}{
		{"list of digests", `{"approved_hashes":["` + oci.Sum(nil).String() + `"]}`, 64 << 10, func() error { _, _, err := ReadApproved(file); return err }, "larger than 64 KiB"},
		{"user config", "MPC_A=b", 1 << 20, func() error { _, err := ReadConfig(file); return err }, "is larger than 1024 KiB"},
	} {
		for size, says := range map[int]string{c.limit - 1: "", c.limit: "", c.limit + 1: c.says} {
			if err := os.WriteFile(file, []byte(c.good+strings.Repeat(" ", size-len(c.good))), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := c.read(); says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
				t.Errorf("%s of %d bytes: %v; want %q", c.what, size, err, says)
			}
		}
	}
}

// documents is a source that returns documents by their digests.
type documents map[oci.Digest][]byte

func (d documents) Manifest(_ context.Context, digest oci.Digest) ([]byte, error) {
	return d[digest], nil
}

func (d documents) Blob(_ context.Context, digest oci.Digest) ([]byte, error) {
	return d[digest], nil
}

// add adds an index of the given indexes. n makes it unique.
func (d documents) add(n int, of ...oci.Digest) oci.Digest {
	const index = "application/vnd.oci.image.index.v1+json"
	var entries []string
	for _, child := range of {
		entries = append(entries, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, index, child, len(d[child])))
	}
	data := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"manifests":[%s],"annotations":{"n":"%d"}}`, index, strings.Join(entries, ","), n)
	d[oci.Sum(data)] = data
	return oci.Sum(data)
}

// TestSizesOfDocuments: a document must have the size that is stated where it is named, even
// if that is zero.
func TestSizesOfDocuments(t *testing.T) {
	name, err := oci.ParseName("example.org/a/b")
	if err != nil {
		t.Fatal(err)
	}
	from := make(documents)
	child := from.add(1)
	has := len(from[child])
	for _, size := range []int{has, has - 1, has + 1, 0} {
		says := fmt.Sprintf("it has %d bytes, and the document that names it says %d", has, size)
		if size == has {
			says = "no image for linux/amd64"
		}
		data := strings.Replace(string(from[from.add(2, child)]), fmt.Sprintf(`"size":%d`, has), fmt.Sprintf(`"size":%d`, size), 1)
		root := oci.Sum([]byte(data))
		from[root] = []byte(data)
		_, err := Resolve(t.Context(), from, name, root, oci.Platform{OS: "linux", Architecture: "amd64"})
		var proof *ProofError
		if !errors.As(err, &proof) || !strings.Contains(err.Error(), says) {
			t.Errorf("a size of %d: %v; want %q", size, err, says)
		}
	}
}

// TestDocumentsOfAnImage: at most 32 documents are fetched to find one image.
func TestDocumentsOfAnImage(t *testing.T) {
	name, err := oci.ParseName("example.org/a/b")
	if err != nil {
		t.Fatal(err)
	}
	for n, says := range map[int]string{31: "no image for linux/amd64", 32: "no image for linux/amd64", 33: "more than 32 documents belong to it"} {
		from := make(documents)
		var children []oci.Digest
		for i := range n - 1 {
			children = append(children, from.add(i))
		}
		_, err := Resolve(t.Context(), from, name, from.add(n, children...), oci.Platform{OS: "linux", Architecture: "amd64"})
		var proof *ProofError
		if !errors.As(err, &proof) || !strings.Contains(err.Error(), says) {
			t.Errorf("%d documents: %v; want %q", n, err, says)
		}
	}
}

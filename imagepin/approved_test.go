package imagepin

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gitlauncher/imagepin/oci"
)

func digests(n int) []oci.Digest {
	d := make([]oci.Digest, n)
	for i := range d {
		d[i] = oci.Sum([]byte{byte(i)})
	}
	return d
}

func TestChoose(t *testing.T) {
	d := digests(4)
	var none oci.Digest
	for _, c := range []struct {
		name               string
		approved           []oci.Digest
		exists             bool
		fallback, override oci.Digest
		want               oci.Digest
		err                error
	}{
		{"no file: the default", nil, false, d[0], none, d[0], nil},
		{"no file: an override is ignored", nil, false, d[0], d[1], d[0], nil},
		{"no file, no default", nil, false, none, d[1], none, ErrNoDigest},
		{"file: its first entry", d[1:], true, d[0], none, d[1], nil},
		{"file: the default may be missing", d[1:], true, none, none, d[1], nil},
		{"file and override that is listed", d[1:], true, d[0], d[3], d[3], nil},
		{"file and override that is not listed", d[1:], true, d[0], d[0], none, ErrNotApproved},
		{"an empty list never means the default", nil, true, d[0], none, none, ErrNoDigest},
	} {
		got, err := Choose(c.approved, c.exists, c.fallback, c.override)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %s, %v", c.name, got, err)
		}
	}
}

func approvedJSON(d ...oci.Digest) string {
	list := make([]string, len(d))
	for i := range d {
		list[i] = d[i].String()
	}
	out, _ := json.Marshal(map[string][]string{"approved_hashes": list})
	return string(out)
}

// TestApprovedIsNeverTheDefault: anything but a well-formed list is an error. If one of
// these counted as "no file", it would bring back an image that was voted out.
// SECURITY.md: V1.
func TestApprovedIsNeverTheDefault(t *testing.T) {
	good := approvedJSON(digests(2)...)
	write := func(content string) func(string) error {
		return func(name string) error { return os.WriteFile(name, []byte(content), 0o600) }
	}
	for _, c := range []struct {
		name, reason string
		make         func(name string) error
	}{
		{"empty", "JSON", write("")},
		{"partial", "JSON", write(good[:len(good)/2])},
		{"no JSON", "JSON", write("sha256:00")},
		{"empty list", "missing or empty", write(`{"approved_hashes":[]}`)},
		{"no list", "missing or empty", write(`{}`)},
		{"null", "missing or empty", write(`{"approved_hashes":null}`)},
		{"another case", "only \"approved_hashes\" is meant", write(strings.Replace(good, "approved", "Approved", 1))},
		{"twice", "twice", write(strings.TrimSuffix(good, "}") + `,"approved_hashes":["x"]}`)},
		{"trailing", "after its end", write(good + "{}")},
		{"one entry in capitals", "entry 2 is not sha256:", write(strings.Replace(good, digests(2)[1].Hex(), strings.ToUpper(digests(2)[1].Hex()), 1))},
		{"one entry short", "entry 1 is not sha256:", write(`{"approved_hashes":["sha256:00"]}`)},
		{"no prefix", "entry 1 is not sha256:", write(`{"approved_hashes":["` + digests(1)[0].Hex() + `"]}`)},
		{"sha512", "entry 1 is not sha256:", write(`{"approved_hashes":["sha512:` + strings.Repeat("0", 128) + `"]}`)},
		{"zeros", "entry 1 is all zeros", write(`{"approved_hashes":["sha256:` + strings.Repeat("0", 64) + `"]}`)},
		{"a number", "", write(`{"approved_hashes":[1]}`)},
		{"too large", "larger than", write(good + strings.Repeat(" ", maxApproved))},
		{"symbolic link", "symbolic link", func(name string) error {
			return errors.Join(os.WriteFile(name+".x", []byte(good), 0o600), os.Symlink(name+".x", name))
		}},
		{"link to nothing", "symbolic link", func(name string) error { return os.Symlink("/nonexistent", name) }},
		{"folder", "not a regular file", func(name string) error { return os.Mkdir(name, 0o700) }},
		{"FIFO", "not a regular file", func(name string) error { return syscall.Mkfifo(name, 0o600) }},
		{"below a file", "not a directory", func(name string) error { return os.WriteFile(filepath.Dir(name)+"/f", nil, 0o600) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "image-digest.bin")
			if err := c.make(name); err != nil {
				t.Fatal(err)
			}
			if c.name == "below a file" {
				name = filepath.Dir(name) + "/f/image-digest.bin"
			}
			_, exists, err := ReadApproved(name)
			var e *ApprovedError
			if !exists || !errors.As(err, &e) || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("exists %v, %v", exists, err)
			}
		})
	}
	if _, exists, err := ReadApproved(filepath.Join(t.TempDir(), "none")); exists || err != nil {
		t.Errorf("no file: exists %v, %v", exists, err)
	}
}

// TestApprovedReplaced: while the node replaces the file, a reader gets all of one list or
// all of the other.
func TestApprovedReplaced(t *testing.T) {
	name := filepath.Join(t.TempDir(), "image-digest.bin")
	d := digests(100)
	contents := []string{approvedJSON(d[0]), approvedJSON(d[1:]...)}
	replace := func(i int) error {
		next := fmt.Sprintf("%s.%d", name, i)
		return errors.Join(os.WriteFile(next, []byte(contents[i%2]), 0o600), os.Rename(next, name))
	}
	if err := replace(0); err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for i := 1; ; i++ {
			select {
			case <-stop:
				done <- nil
				return
			default:
				if err := replace(i); err != nil {
					done <- err
					return
				}
			}
		}
	}()
	seen := make(map[int]int)
	for end := time.Now().Add(10 * time.Second); len(seen) < 2 && time.Now().Before(end); {
		got, exists, err := ReadApproved(name)
		if err != nil || !exists || len(got) != 1 && len(got) != 99 {
			t.Fatalf("%d digests, exists %v, %v", len(got), exists, err)
		}
		seen[len(got)]++
	}
	close(stop)
	if err := <-done; err != nil || len(seen) != 2 {
		t.Errorf("%v, %v", seen, err)
	}
}

func FuzzParseApproved(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := ParseApproved(data)
		if err != nil {
			return
		}
		if len(got) == 0 {
			t.Fatal("an empty list")
		}
		again, err := ParseApproved([]byte(approvedJSON(got...)))
		if err != nil || len(again) != len(got) {
			t.Fatalf("%v", err)
		}
	})
}

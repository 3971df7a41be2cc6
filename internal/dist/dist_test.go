package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPack: an archive of either kind has the files, their modes and one time, and the
// same files make the same bytes.
func TestPack(t *testing.T) {
	files := []file{{"LICENSE", 0o644, []byte("text\n")}, {"man/p.1", 0o644, []byte(".TH")}, {"p", 0o755, bytes.Repeat([]byte("program "), 1000)}}
	for _, c := range []struct {
		goos, ext string
		read      func(*testing.T, []byte) []file
	}{{"linux", ".tar.gz", untar}, {"windows", ".zip", unzip}} {
		var packed [2][]byte
		for i := range packed {
			to := filepath.Join(t.TempDir(), "a")
			if err := pack(to, "top", c.goos, files); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(to + c.ext)
			if err != nil {
				t.Fatal(err)
			}
			packed[i] = data
		}
		if !bytes.Equal(packed[0], packed[1]) {
			t.Errorf("%s: the same files made other bytes", c.goos)
		}
		if diff := cmp.Diff(files, c.read(t, packed[0]), cmp.AllowUnexported(file{})); diff != "" {
			t.Errorf("%s: %s", c.goos, diff)
		}
	}
}

func untar(t *testing.T, data []byte) (files []file) {
	gz, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for tr := tar.NewReader(gz); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(packed) {
			t.Errorf("%s is of %v", h.Name, h.ModTime)
		}
		files = append(files, file{strings.TrimPrefix(h.Name, "top/"), os.FileMode(h.Mode), text})
	}
}

func unzip(t *testing.T, data []byte) (files []file) {
	zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range zr.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if !f.Modified.Equal(packed) {
			t.Errorf("%s is of %v", f.Name, f.Modified)
		}
		files = append(files, file{strings.TrimPrefix(f.Name, "top/"), f.Mode(), text})
	}
	return files
}

// TestRunsOn: the launcher runs in a VM, and so is in no archive but Linux's.
func TestRunsOn(t *testing.T) {
	for _, s := range systems {
		if runsOn("git-launcher", s.os) != (s.os == "linux") {
			t.Errorf("git-launcher for %s", s.os)
		}
		if !runsOn("git-launcher-verify", s.os) {
			t.Errorf("no git-launcher-verify for %s", s.os)
		}
	}
}

// TestDist: an archive holds the programs, which say the version that it is named with,
// manuals and licences; and the checksums hold.
func TestDist(t *testing.T) {
	t.Chdir("../..")
	out, man := filepath.Join(t.TempDir(), "dist"), t.TempDir()
	if err := os.WriteFile(filepath.Join(man, "git-launcher-verify.1"), []byte(".TH"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-version", "v9.8.7", "-out", out, "-man", man, "-only", "linux/amd64"}); err != nil {
		t.Fatal(err)
	}
	sums := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	sums.Dir = out
	if said, err := sums.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	untarred := exec.Command("tar", "-xf", "git-launcher-v9.8.7-linux-amd64.tar.gz")
	untarred.Dir = out
	if said, err := untarred.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	top := filepath.Join(out, "git-launcher-v9.8.7-linux-amd64")
	for _, name := range []string{"LICENSE", "THIRD-PARTY-LICENSES", "man/git-launcher-verify.1"} {
		if !exists(filepath.Join(top, name)) {
			t.Errorf("the archive lacks %s", name)
		}
	}
	for _, name := range []string{"git-launcher", "git-launcher-verify"} {
		if said, err := exec.Command(filepath.Join(top, name), "version").Output(); err != nil || string(said) != name+" v9.8.7\n" {
			t.Errorf("%s says %q, %v", name, said, err)
		}
	}
}

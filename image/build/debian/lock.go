package debian

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Lock pins everything that goes into the Debian layers of one architecture.
type Lock struct {
	Arch     string // as Debian and OCI both call it: amd64, arm64
	Suite    string
	Epoch    time.Time // the latest time that a file of an image has
	Archives []Archive
	Packages []Package // of every image, sorted by name
	Flavours []Flavour // sorted by name
}

// Flavour is an image with more packages.
type Flavour struct {
	Name     string
	Packages []Package // besides the lock's, sorted by name
}

// Of returns the lock of one flavour's image: its own packages and those of every image.
func (l *Lock) Of(f Flavour) *Lock {
	all := *l
	all.Packages, all.Flavours = slices.Concat(l.Packages, f.Packages), nil
	slices.SortFunc(all.Packages, byName)
	return &all
}

// Everything returns a lock with the packages of all flavours, each once: those to fetch.
func (l *Lock) Everything() *Lock {
	all := *l
	all.Packages, all.Flavours = slices.Clone(l.Packages), nil
	for _, f := range l.Flavours {
		all.Packages = append(all.Packages, f.Packages...)
	}
	slices.SortFunc(all.Packages, byName)
	all.Packages = slices.Compact(all.Packages)
	return &all
}

func byName(a, b Package) int { return strings.Compare(a.Name, b.Name) }

// Archive is a Debian archive, as a lock names it.
type Archive struct {
	Name     string // debian, debian-security
	Snapshot string // dated URL that keeps the lock's versions
}

// Package is one .deb file.
type Package struct {
	Name, Version string
	Archive       string // name of its archive
	Path          string // below the archive's URL
	Size          int64  // bytes
	SHA256        string // lowercase hex
}

// ReadLock reads a lock file. Unknown words, duplicates and anything malformed are errors,
// because the file alone decides what an image contains.
func ReadLock(name string) (*Lock, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	l, err := parseLock(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return l, nil
}

func parseLock(data []byte) (*Lock, error) {
	l := new(Lock)
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		f := strings.Fields(lines.Text())
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if err := l.add(f[0], f[1:]); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	switch {
	case lines.Err() != nil:
		return nil, lines.Err()
	case l.Arch == "" || l.Suite == "" || l.Epoch.IsZero() || len(l.Packages) == 0:
		return nil, errors.New("arch, suite, epoch or packages are missing")
	}
	return l, nil
}

func (l *Lock) add(word string, f []string) error {
	want := map[string]int{"arch": 1, "suite": 1, "epoch": 1, "archive": 2, "package": 6, "flavour": 1}
	if n, ok := want[word]; !ok || n != len(f) {
		return fmt.Errorf("%q with %d words is not understood", word, len(f))
	}
	switch word {
	case "arch":
		return setOnce(&l.Arch, f[0])
	case "suite":
		return setOnce(&l.Suite, f[0])
	case "epoch":
		if !l.Epoch.IsZero() {
			return errors.New("a second epoch")
		}
		t, err := time.Parse(time.RFC3339, f[0])
		l.Epoch = t.UTC()
		return err
	case "archive":
		l.Archives = append(l.Archives, Archive{f[0], f[1]})
		return nil
	case "flavour":
		if n := len(l.Flavours); !packageName.MatchString(f[0]) || n > 0 && l.Flavours[n-1].Name >= f[0] {
			return fmt.Errorf("flavour %q is not a valid name, out of order or there twice", f[0])
		}
		l.Flavours = append(l.Flavours, Flavour{Name: f[0]})
		return nil
	}
	p := Package{Name: f[0], Version: f[1], Archive: f[2], Path: f[3], SHA256: f[5]}
	var err error
	if p.Size, err = strconv.ParseInt(f[4], 10, 64); err != nil || p.Size <= 0 {
		return errors.New("a size that is not a positive number of bytes")
	}
	sum, err := hex.DecodeString(p.SHA256)
	switch {
	case err != nil || len(sum) != 32 || strings.ToLower(p.SHA256) != p.SHA256:
		return errors.New("a digest that is not 64 lowercase hex digits")
	case p.Path != path.Clean(p.Path) || path.IsAbs(p.Path) || strings.HasPrefix(p.Path, "..") || !strings.HasSuffix(p.Path, ".deb"):
		return fmt.Errorf("%q is not the path of a .deb in an archive", p.Path)
	case !packageName.MatchString(p.Name):
		return fmt.Errorf("%q is not the name of a package", p.Name)
	case !slices.ContainsFunc(l.Archives, func(a Archive) bool { return a.Name == p.Archive }):
		return fmt.Errorf("archive %q is not named above", p.Archive)
	}
	to := &l.Packages
	if n := len(l.Flavours); n > 0 {
		to = &l.Flavours[n-1].Packages
		if slices.ContainsFunc(l.Packages, func(q Package) bool { return q.Name == p.Name }) {
			return fmt.Errorf("package %s is in every image", p.Name)
		}
	}
	if n := len(*to); n > 0 && (*to)[n-1].Name >= p.Name {
		return fmt.Errorf("package %s is out of order or there twice", p.Name)
	}
	*to = append(*to, p)
	return nil
}

// packageName matches the names that Debian policy (5.6.1) allows.
var packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]+$`)

func setOnce(to *string, v string) error {
	if *to != "" {
		return fmt.Errorf("a second value, %q", v)
	}
	*to = v
	return nil
}

const lockHead = `# The Debian packages of the git-launcher images: nothing else is in their first layers.
# Made by ` + "`make image-lock`" + `, from an archive whose signature was checked; see image/README.md.
#
# A mirror that dropped a version is replaced by the dated archive, which keeps all:
#   make image DEBIAN_MIRROR=<the URL of "archive debian"> SECURITY_MIRROR=<that of debian-security>
# (the URLs stand below). What is fetched from it has to have the same SHA-256.
#
# archive NAME SNAPSHOT
# package NAME VERSION ARCHIVE PATH BYTES SHA256
# flavour NAME: the packages after it are in that image alone
`

// Format returns the lock as [ReadLock] reads it.
func (l *Lock) Format() []byte {
	var b bytes.Buffer
	b.WriteString(lockHead)
	fmt.Fprintf(&b, "arch %s\nsuite %s\nepoch %s\n", l.Arch, l.Suite, l.Epoch.Format(time.RFC3339))
	for _, a := range l.Archives {
		fmt.Fprintf(&b, "archive %s %s\n", a.Name, a.Snapshot)
	}
	formatPackages(&b, l.Packages)
	for _, f := range l.Flavours {
		fmt.Fprintf(&b, "flavour %s\n", f.Name)
		formatPackages(&b, f.Packages)
	}
	return b.Bytes()
}

func formatPackages(to io.Writer, packages []Package) {
	for _, p := range packages {
		fmt.Fprintf(to, "package %s %s %s %s %d %s\n", p.Name, p.Version, p.Archive, p.Path, p.Size, p.SHA256)
	}
}

// URL returns the address of a package in its dated archive.
func (l *Lock) URL(p Package) string {
	for _, a := range l.Archives {
		if a.Name == p.Archive {
			return a.Snapshot + p.Path
		}
	}
	return ""
}

package layer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// New makes a layer whose bytes are a function of its files. The files are sorted by path,
// and hard links point to the first of their paths. There are no user names, no access times,
// and no time in gzip's header.
func New(files []File) (v1.Layer, error) {
	data, err := tarBytes(files)
	if err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
		tarball.WithCompressionLevel(gzip.BestCompression), tarball.WithMediaType(types.OCILayer), tarball.WithCompressedCaching)
}

func tarBytes(files []File) ([]byte, error) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	first := make(map[string]string)
	for i, f := range files {
		if i > 0 && files[i-1].Path == f.Path {
			return nil, fmt.Errorf("%s is in a layer twice", f.Path)
		}
		h := &tar.Header{Name: strings.TrimPrefix(f.Path, "/"), Typeflag: f.Type, Mode: f.Mode, Uid: f.UID, Gid: f.GID, ModTime: f.Time, Linkname: f.Link, Format: tar.FormatPAX}
		switch f.Type {
		case tar.TypeDir:
			h.Name += "/"
		case tar.TypeReg:
			if name, ok := first[f.Inode]; ok && f.Inode != "" {
				h.Typeflag, h.Linkname, f.Data = tar.TypeLink, name, nil
			} else {
				first[f.Inode] = h.Name
			}
			h.Size = int64(len(f.Data))
		}
		if h.Name == "/" { // the root itself
			continue
		}
		if err := tw.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Path, err)
		}
		if _, err := tw.Write(f.Data); err != nil {
			return nil, err
		}
	}
	err := tw.Close()
	return b.Bytes(), err
}

// Listing returns a table of all files of an image, for people and for diff. A line has
// type, mode, owner, size in bytes, SHA-256 or target, origin and path.
func Listing(files []File) []byte {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	var b bytes.Buffer
	for _, f := range files {
		what := "-"
		switch f.Type {
		case tar.TypeReg:
			what = fmt.Sprintf("%x", sha256.Sum256(f.Data))
		case tar.TypeSymlink:
			what = "-> " + f.Link
		}
		fmt.Fprintf(&b, "%c\t%04o\t%d:%d\t%d\t%s\t%s\t%s\n", kind(f.Type), f.Mode, f.UID, f.GID, len(f.Data), what, f.Origin, f.Path)
	}
	return b.Bytes()
}

func kind(t byte) byte {
	switch t {
	case tar.TypeDir:
		return 'd'
	case tar.TypeSymlink:
		return 'l'
	}
	return 'f'
}

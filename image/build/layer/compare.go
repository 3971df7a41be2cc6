package layer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Compare returns how an image differs from the one that is wanted, one difference a line.
// It returns nothing if their digests are equal.
func Compare(is, want v1.Image) ([]string, error) {
	a, err := is.Digest()
	if err != nil {
		return nil, err
	}
	b, err := want.Digest()
	if err != nil || a == b {
		return nil, err
	}
	diff := []string{fmt.Sprintf("digest: %s, not %s", a, b)}
	ca, err := is.ConfigFile()
	if err != nil {
		return nil, err
	}
	cb, err := want.ConfigFile()
	if err != nil {
		return nil, err
	}
	ja, _ := json.Marshal(ca.Config) // plain data: no error
	jb, _ := json.Marshal(cb.Config)
	if !bytes.Equal(ja, jb) {
		diff = append(diff, fmt.Sprintf("config: %s, not %s", ja, jb))
	}
	files, err := compareLayers(is, want)
	return append(diff, files...), err
}

func compareLayers(is, want v1.Image) (diff []string, err error) {
	la, err := is.Layers()
	if err != nil {
		return nil, err
	}
	lb, err := want.Layers()
	if err != nil {
		return nil, err
	}
	if len(la) != len(lb) {
		return []string{fmt.Sprintf("%d layers, not %d", len(la), len(lb))}, nil
	}
	for i := range la {
		da, err := la[i].DiffID()
		if err != nil {
			return nil, err
		}
		db, err := lb[i].DiffID()
		if err != nil {
			return nil, err
		}
		if da == db {
			continue
		}
		fa, err := layerFiles(la[i])
		if err != nil {
			return nil, err
		}
		fb, err := layerFiles(lb[i])
		if err != nil {
			return nil, err
		}
		diff = append(diff, compareFiles(fa, fb)...)
	}
	if len(diff) == 0 {
		diff = append(diff, "every file is the same; the config, the history or the compression is not")
	}
	return diff, nil
}

func layerFiles(l v1.Layer) (map[string]File, error) {
	r, err := l.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	files, err := ReadTar(r)
	byPath := make(map[string]File)
	for _, f := range files {
		byPath[f.Path] = f
	}
	return byPath, err
}

func compareFiles(is, want map[string]File) (diff []string) {
	for name, a := range is {
		b, ok := want[name]
		switch {
		case !ok:
			diff = append(diff, "file "+name+": should not be there")
		case !bytes.Equal(a.Data, b.Data):
			diff = append(diff, "file "+name+": other bytes")
		case !a.Same(&b):
			diff = append(diff, fmt.Sprintf("file %s: %c %04o %d:%d %s, not %c %04o %d:%d %s", name, kind(a.Type), a.Mode, a.UID, a.GID, a.Link, kind(b.Type), b.Mode, b.UID, b.GID, b.Link))
		case !a.Time.Equal(b.Time):
			diff = append(diff, fmt.Sprintf("file %s: time %v, not %v", name, a.Time.UTC(), b.Time.UTC()))
		case a.Inode != b.Inode:
			diff = append(diff, "file "+name+": hard-linked otherwise")
		}
	}
	for name := range want {
		if _, ok := is[name]; !ok {
			diff = append(diff, "file "+name+": is missing")
		}
	}
	slices.SortFunc(diff, strings.Compare)
	return diff
}

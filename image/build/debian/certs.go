package debian

import (
	"archive/tar"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"strings"

	"gitlauncher/image/build/layer"
)

const (
	bundle    = "/etc/ssl/certs/ca-certificates.crt"
	rootsHeld = "/usr/share/ca-certificates/"
)

// Certificates requires that TLS clients trust just what the package holds: the
// bundle, which a script makes and which image mode's image consists of, has its
// certificates and no others, and beside it there are only links.
func Certificates(files []layer.File) error {
	held, trusted := make(map[string]bool), make(map[string]bool)
	for _, f := range files {
		switch {
		case f.Path == bundle:
			collect(trusted, f.Data)
		case strings.HasPrefix(f.Path, rootsHeld):
			collect(held, f.Data)
		case strings.HasPrefix(f.Path, "/etc/ssl/certs/") && f.Type != tar.TypeSymlink:
			return fmt.Errorf("%s is trusted by TLS clients, and is no link to a certificate of the package", f.Path)
		}
	}
	if len(held) == 0 || !maps.Equal(held, trusted) {
		return errors.New("the certificates of " + bundle + " are not those below " + rootsHeld)
	}
	return nil
}

// collect adds the certificates of a PEM file, by their bytes.
func collect(to map[string]bool, data []byte) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		to[string(block.Bytes)] = true
	}
}

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
	bundle    = "/etc/ssl/certs/ca-certificates.crt" // what TLS clients read; a script makes it
	rootsHeld = "/usr/share/ca-certificates/"        // where the package ca-certificates has its files
)

// Certificates requires that TLS clients trust exactly the certificates of the package
// ca-certificates: the bundle has these and no others, and the directory of the bundle
// has only links besides.
func Certificates(files []layer.File) error {
	held, trusted := make(map[string]bool), make(map[string]bool)
	for _, f := range files {
		switch {
		case f.Path == bundle:
			collect(trusted, f.Data)
		case strings.HasPrefix(f.Path, rootsHeld):
			collect(held, f.Data)
		case strings.HasPrefix(f.Path, "/etc/ssl/certs/") && f.Type != tar.TypeSymlink:
			return fmt.Errorf("TLS clients trust %s, which is not a link to a certificate of the package", f.Path)
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

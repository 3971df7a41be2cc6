package derivedimage

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"path"
	"strings"

	"gitlauncher/config"
)

// only returns the one regular file of a layer, which must be at this place in the
// image. The layer may have the folders above it, too.
func only(layer []byte, at string) ([]byte, error) {
	var file []byte
	in := bytes.NewReader(layer)
	seen := make(map[string]bool)
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, refuse("its last layer is no archive: %v", err)
		}
		name := path.Clean("/" + h.Name)
		switch {
		case seen[name]:
			return nil, refuse("its last layer has %.100q twice", name)
		case strings.HasPrefix(path.Base(name), ".wh."):
			return nil, refuse("its last layer takes %.100q away from the base", h.Name)
		case strings.Contains(h.Name, ".."):
			return nil, refuse("its last layer has the name %.100q, which leads elsewhere", h.Name)
		case len(h.PAXRecords) > 0 && hasAttributes(h.PAXRecords):
			return nil, refuse("its last layer gives %.100q attributes of its own", h.Name)
		}
		seen[name] = true
		if h.Typeflag == tar.TypeDir {
			if !strings.HasPrefix(at, strings.TrimSuffix(name, "/")+"/") {
				return nil, refuse("its last layer has the folder %.100q", h.Name)
			}
			if h.Uid != 0 || h.Gid != 0 || h.Mode&0o7777 != 0o755 {
				return nil, refuse("its last layer changes the owner or the mode of the folder %.100q", h.Name)
			}
			continue
		}
		if h.Typeflag != tar.TypeReg {
			return nil, refuse("its last layer has %.100q, which is no regular file", h.Name)
		}
		if name != at {
			return nil, refuse("its last layer has another file than the config: %.100q", h.Name)
		}
		if h.Mode&0o7000 != 0 {
			return nil, refuse("the config has a special mode in the last layer")
		}
		if h.Size > config.MaxSize {
			return nil, refuse("the config is larger than %d KiB", config.MaxSize>>10)
		}
		if file, err = io.ReadAll(r); err != nil {
			return nil, refuse("its last layer is no archive: %v", err)
		}
	}
	// One reader ignores what follows the end of an archive, and another reads it.
	rest := layer[len(layer)-in.Len():]
	if len(bytes.Trim(rest, "\x00")) > 0 {
		return nil, refuse("its last layer has something after its end")
	}
	if file == nil {
		return nil, refuse("its last layer has no config at %s", at)
	}
	return file, nil
}

// hasAttributes reports whether an entry's extended header says more than times, sizes
// and names.
func hasAttributes(records map[string]string) bool {
	for key := range records {
		switch key {
		case "mtime", "atime", "ctime", "path", "size", "uid", "gid", "uname", "gname":
		default:
			return true
		}
	}
	return false
}

package layer

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"time"
)

// File is one entry of an image's file system.
type File struct {
	Path     string // absolute and clean
	Type     byte   // [tar.TypeReg], also for a hard link, [tar.TypeDir] or [tar.TypeSymlink]
	Mode     int64  // permissions with setuid, setgid and sticky bits
	UID, GID int
	Time     time.Time
	Link     string // target of a symbolic link, unchanged
	Inode    string // the first path of these bytes in a tar; hard links share it
	Data     []byte
	Origin   string // where it came from, by package debian; empty where that is not known
}

// ReadTar reads a file system. It leaves out devices, since every container engine mounts
// its own /dev.
func ReadTar(r io.Reader) ([]File, error) {
	var files []File
	at := make(map[string]int) // index of each path
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		f := File{Path: path.Clean("/" + h.Name), Type: h.Typeflag, Mode: h.Mode & 0o7777, UID: h.Uid, GID: h.Gid, Time: h.ModTime}
		switch h.Typeflag {
		case tar.TypeReg:
			f.Inode = f.Path
			if f.Data, err = io.ReadAll(tr); err != nil {
				return nil, err
			}
		case tar.TypeLink:
			first, ok := at[path.Clean("/"+h.Linkname)]
			if !ok {
				return nil, fmt.Errorf("%s is a hard link to nothing", f.Path)
			}
			linked := files[first]
			linked.Path = f.Path
			f = linked
		case tar.TypeSymlink:
			f.Link, f.Mode = h.Linkname, 0o777
		case tar.TypeDir:
		case tar.TypeChar, tar.TypeBlock:
			continue
		default:
			return nil, fmt.Errorf("%s is of type %q", f.Path, h.Typeflag)
		}
		f.unprivileged()
		at[f.Path] = len(files)
		files = append(files, f)
	}
}

// unprivileged removes the setuid and setgid bits of a program, and the group that belongs
// to them: nobody changes users in this image.
func (f *File) unprivileged() {
	if f.Type == tar.TypeReg && f.Mode&0o6000 != 0 {
		f.Mode, f.GID = f.Mode&^0o6000, 0
	}
}

// Same reports whether both have the same type, mode, owner and bytes. Paths, times and
// origins may differ.
func (f *File) Same(g *File) bool {
	return f.Type == g.Type && f.Mode == g.Mode && f.UID == g.UID && f.GID == g.GID && f.Link == g.Link && bytes.Equal(f.Data, g.Data)
}

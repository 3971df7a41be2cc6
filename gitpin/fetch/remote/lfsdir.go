package remote

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"
)

// LFSDir is the directory in which git-lfs keeps the contents of a repository on this machine.
type LFSDir struct{ root *os.Root }

// NoObjectError is a content that a repository on this machine does not have.
type NoObjectError struct{ OID string }

func (e *NoObjectError) Error() string {
	return "the repository on this machine does not have the Git LFS object " + e.OID + " (git lfs fetch --all gets it there)"
}

// OpenLFS opens the directory of the repository at a path. Its error is [ErrNoLFSDir].
func OpenLFS(repo string) (*LFSDir, error) {
	for _, dir := range []string{repo, repo + ".git"} {
		for _, below := range []string{"lfs/objects", ".git/lfs/objects"} {
			if root, err := os.OpenRoot(path.Join(dir, below)); err == nil {
				return &LFSDir{root}, nil
			}
		}
	}
	return nil, ErrNoLFSDir
}

// ErrNoLFSDir means that a repository on this machine has no content of Git LFS.
var ErrNoLFSDir = errors.New("the repository on this machine has no Git LFS objects (lfs/objects in its Git directory)")

// Object opens a content. It never blocks. Errors are [*NoObjectError] and those of the disk.
func (d *LFSDir) Object(oid string) (*os.File, error) {
	f, err := d.root.OpenFile(path.Join(oid[:2], oid[2:4], oid), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err == nil {
		if info, serr := f.Stat(); serr == nil && info.Mode().IsRegular() {
			return f, nil
		}
		f.Close()
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil, &NoObjectError{oid}
	}
	return nil, err
}

// Close closes the directory.
func (d *LFSDir) Close() error { return d.root.Close() }

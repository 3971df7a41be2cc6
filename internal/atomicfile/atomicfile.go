// Package atomicfile replaces files in one step: anyone who reads the name sees all of
// the old content or all of the new, even after a crash.
//
// Others may write to the folder, too. What stands at the name, even a symbolic link,
// is replaced and never written through, and the temporary file is always new.
package atomicfile

import (
	"crypto/rand"
	"errors"
	"os"
	"path"
	"path/filepath"
)

// Write replaces the file called name. The folder must be there.
func Write(name string, data []byte, mode os.FileMode) error {
	root, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer root.Close()
	return WriteIn(root, filepath.Base(name), data, mode)
}

// WriteIn replaces a file below root.
func WriteIn(root *os.Root, name string, data []byte, mode os.FileMode) error {
	return WriteVia(root, path.Join(path.Dir(name), ".git-launcher-"+rand.Text()), name, data, mode)
}

// WriteVia is [WriteIn] with a temporary file of the caller's choice, which must not
// exist: a caller who knows its name can remove it after a crash.
func WriteVia(root *os.Root, tmp, name string, data []byte, mode os.FileMode) (err error) {
	f, err := root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			root.Remove(tmp)
		}
	}()
	_, err = f.Write(data)
	// The mode is set again, since a umask takes bits away.
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return root.Rename(tmp, name)
}

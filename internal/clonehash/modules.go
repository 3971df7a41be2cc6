package clonehash

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gitlauncher/gitpin/object"
)

// MissingError says that the clone lacks a submodule.
type MissingError struct {
	Path   string
	Commit object.ID
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("the clone does not have the submodule %.200q at commit %s; git submodule update --init --recursive fetches it", e.Path, e.Commit)
}

// maxModules bounds the Git directories of submodules that are opened: a launcher
// places as many (doc/limits.md).
const maxModules = 1000

// modules opens the objects of all submodules, at any depth, whose Git directories lie
// in the clone's, where git puts them.
func (c *Clone) modules() ([]*store, error) {
	if c.submodules != nil {
		return c.submodules, nil
	}
	found := []*store{} // not nil, so that a clone without submodules is walked once
	err := filepath.WalkDir(filepath.Join(c.git, "modules"), func(path string, d fs.DirEntry, err error) error {
		switch {
		case os.IsNotExist(err):
			return nil
		case err != nil:
			return err
		case !d.IsDir() || d.Name() != "objects":
			return nil
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), "HEAD")); err != nil {
			return nil // a part of a submodule's name
		}
		if len(found) == maxModules {
			return fmt.Errorf("the clone has more than %d submodules, which no launcher places", maxModules)
		}
		s, err := openStore(path, c.store.format)
		if err != nil {
			return err
		}
		found = append(found, s)
		return fs.SkipDir
	})
	if err != nil {
		return nil, fmt.Errorf("the clone's submodules: %w", err)
	}
	c.submodules = found
	return found, nil
}

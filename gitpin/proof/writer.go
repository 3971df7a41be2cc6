package proof

import (
	"io"

	"gitlauncher/gitpin/object"
)

// Writer makes the files of a tree, in a place that was empty. Paths are those of
// [File]; directories on the way are made as they are needed. Methods may be called at
// the same time, each path once. They return a number, not below zero, by which the
// Writer knows the file.
type Writer interface {
	// Write makes a file of content. The mode is ModeFile or ModeExec.
	Write(path string, mode object.Mode, content []byte) (number int32, err error)
	// Stream makes a file of what fill writes.
	Stream(path string, mode object.Mode, fill func(io.Writer) error) (number int32, err error)
	// Symlink makes a symbolic link, whose target no system call can refuse.
	Symlink(path string, target []byte) (number int32, err error)
	// Folder makes an empty directory, the place of a submodule.
	Folder(path string) error
	// Begin begins a file whose path is not known yet. There is one at a time.
	Begin() (Unplaced, error)
}

// Unplaced is a file under a name of no consequence. It ends with one of the two calls.
type Unplaced interface {
	io.Writer
	// Place moves the file to its path.
	Place(path string, mode object.Mode) (number int32, err error)
	// Drop removes it.
	Drop()
}

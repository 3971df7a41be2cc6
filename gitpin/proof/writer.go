package proof

import (
	"io"

	"gitlauncher/gitpin/object"
)

// Writer makes the files of a tree in an empty directory. Paths are those of [File]; the
// Writer makes the directories above them. Its methods may be called at the same time, and
// once for each path. The number that they return is not negative, and the Writer knows the
// file by it.
type Writer interface {
	// Write makes a file of content. The mode is ModeFile or ModeExec.
	Write(path string, mode object.Mode, content []byte) (number int32, err error)
	// Stream makes a file of what fill writes.
	Stream(path string, mode object.Mode, fill func(io.Writer) error) (number int32, err error)
	// Symlink makes a symbolic link. Its target is one that a link can have.
	Symlink(path string, target []byte) (number int32, err error)
	// Folder makes an empty directory, the place of a submodule.
	Folder(path string) error
	// Begin begins a file whose path is not known yet. There is at most one at a time.
	Begin() (Unplaced, error)
}

// Unplaced is a file that has no path yet. It ends with a call of Place or Drop.
type Unplaced interface {
	io.Writer
	// Place moves the file to its path.
	Place(path string, mode object.Mode) (number int32, err error)
	// Drop removes the file.
	Drop()
}

package proof

import (
	"fmt"

	"gitlauncher/gitpin/object"
)

// MismatchError is an object that is not what was pinned.
type MismatchError struct {
	Want object.ID
	Got  string // what was there instead
}

func (e *MismatchError) Error() string { return fmt.Sprintf("pin %s is not met: %s", e.Want, e.Got) }

// MissingObjectError is an object that the pin needs and the answer lacks.
type MissingObjectError struct {
	ID   object.ID
	Need string // what it is needed as
}

func (e *MissingObjectError) Error() string {
	return fmt.Sprintf("%s %s is missing from what the repository sent", e.Need, e.ID)
}

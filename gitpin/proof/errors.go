package proof

import (
	"fmt"

	"gitlauncher/gitpin/object"
)

// MismatchError says how the repository's objects do not meet the pin.
type MismatchError struct {
	Want object.ID // the pinned commit
	Got  string    // what there is instead
}

func (e *MismatchError) Error() string { return fmt.Sprintf("pin %s is not met: %s", e.Want, e.Got) }

// MissingObjectError reports an object that the pin needs and the repository did not send.
type MissingObjectError struct {
	ID   object.ID
	Need string // what it is needed as: "commit", "tree", "file" and the like
}

func (e *MissingObjectError) Error() string {
	return fmt.Sprintf("%s %s is missing from what the repository sent", e.Need, e.ID)
}

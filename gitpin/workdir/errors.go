package workdir

import (
	"fmt"
	"time"
)

// OccupiedError says why WORK_DIR can't be used. Nothing in it was touched.
type OccupiedError struct{ Path, Reason string }

func (e *OccupiedError) Error() string { return fmt.Sprintf("WORK_DIR %s %s", e.Path, e.Reason) }

// LockedError says that another launcher has held the lock for too long.
type LockedError struct {
	Path string
	Wait time.Duration
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("another launcher has held the lock of %s for %v", e.Path, e.Wait)
}

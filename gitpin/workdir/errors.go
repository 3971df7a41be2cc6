package workdir

import (
	"fmt"
	"time"
)

// OccupiedError is a WORK_DIR that is somebody else's: nothing in it was touched.
type OccupiedError struct{ Path, Reason string }

func (e *OccupiedError) Error() string { return fmt.Sprintf("WORK_DIR %s %s", e.Path, e.Reason) }

// LockedError is a WORK_DIR that another launcher holds for too long.
type LockedError struct {
	Path string
	Wait time.Duration
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("another launcher has held the lock of %s for %v", e.Path, e.Wait)
}

package workdir

import (
	"errors"
	"fmt"
)

// Tidy finishes a swap that a kill has interrupted, and removes all debris. The caller must
// hold the lock.
func (d *Dir) Tidy() error {
	if d.finishSwap() != nil {
		// The marker was forged, or the disk fails. The rest of the swap is debris, and
		// WORK_DIR will be proven or replaced.
		err := errors.Join(d.remove(d.inControl(swapName)), d.remove(d.inControl(newName)))
		if err != nil {
			return fmt.Errorf("giving up an interrupted swap: %w", err)
		}
	}
	names, err := d.names(d.control)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name != lockName && name != originName {
			if err := d.remove(d.inControl(name)); err != nil {
				return fmt.Errorf("removing debris of an earlier run: %w", err)
			}
		}
	}
	return nil
}

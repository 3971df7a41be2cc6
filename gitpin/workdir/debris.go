package workdir

import (
	"errors"
	"fmt"
)

// Tidy finishes a swap that a kill cut short and removes all debris. The lock must be
// held.
func (d *Dir) Tidy() error {
	if d.finishSwap() != nil {
		// It was forged, or the disk fails. What lies about is debris, and what is in
		// WORK_DIR is proven next, or replaced.
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

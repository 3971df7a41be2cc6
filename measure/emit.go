package measure

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// State is one answer of the guest agent: its log, the register that it read with it, and
// the app-compose that it claims was measured.
type State struct {
	Log        Log
	RTMR3      Register
	AppCompose string
}

// Reader reads log and register with one call, as from a guest agent.
type Reader interface {
	State(ctx context.Context) (State, error)
}

// Extender is a [Reader] that can also extend the register.
type Extender interface {
	Reader
	// Emit extends RTMR3 with the event. After an error it may have done so, unless the error
	// is [ErrNoEmit].
	Emit(ctx context.Context, e Event) error
}

// ErrNoEmit says that applications can't extend RTMR3 here: dstack 0.6 has removed the
// call. An [Extender] wraps it, and [Emit] does not try again.
var ErrNoEmit = errors.New("the guest agent lets no application extend RTMR3")

// ErrLogMismatch says that the event log does not replay to RTMR3. The register can't be
// rewound, so only a reboot repairs it.
var ErrLogMismatch = errors.New("the event log does not match RTMR3")

// ErrNotReady says that the log has no system-ready: dstack is still booting.
var ErrNotReady = errors.New("the event log has no " + EventSystemReady + " event")

const (
	emitTries   = 3                      // calls for one event, each after a look that it is not there yet
	settleTries = 20                     // reads of a log; with settlePause, a few seconds for another emitter to finish
	settlePause = 250 * time.Millisecond // between two reads of a log that does not replay
)

// Emit extends RTMR3 with each event that this boot's register does not have yet, in order,
// and returns a boot that has them all. emitted counts the events that were not there
// before.
//
// Emit never relies on the agent's word alone. Only a log that replays to the register of
// the same answer shows that an event is there, both to skip it and to finish. sleep is as
// in [ReadBoot], and so are the errors, which also may be those of x.Emit.
func Emit(ctx context.Context, x Extender, events []Event, sleep func(context.Context, time.Duration) error) (boot Boot, emitted int, err error) {
	for _, e := range events {
		did, err := emitOnce(ctx, x, e, sleep)
		if err != nil {
			return Boot{}, emitted, fmt.Errorf("event %s: %w", e.Name, err)
		}
		if did {
			emitted++
		}
	}
	boot, err = ReadBoot(ctx, x, sleep)
	if err != nil {
		return Boot{}, emitted, err
	}
	for _, e := range events {
		if !boot.Holds(e) {
			return Boot{}, emitted, fmt.Errorf("event %s: the guest agent took it, but its log does not hold it", e.Name)
		}
	}
	return boot, emitted, nil
}

// emitOnce emits e unless the register has it already. did reports whether it was this call
// that extended the register.
func emitOnce(ctx context.Context, x Extender, e Event, sleep func(context.Context, time.Duration) error) (did bool, err error) {
	var last error
	for range emitTries {
		boot, err := ReadBoot(ctx, x, sleep)
		if err != nil {
			return false, errors.Join(last, err)
		}
		if boot.Holds(e) {
			return last != nil, nil
		}
		if last = x.Emit(ctx, e); last == nil {
			return true, nil
		}
		if errors.Is(last, ErrNoEmit) {
			return false, last
		}
	}
	// The last call may have extended the register although its answer was an error.
	boot, err := ReadBoot(ctx, x, sleep)
	if err == nil && boot.Holds(e) {
		return true, nil
	}
	return false, errors.Join(last, err)
}

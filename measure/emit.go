package measure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// State is one answer of the guest agent: its log, and the register it read.
type State struct {
	Log   Log
	RTMR3 Register
}

// Extender is what Emit needs of a guest agent, and of any other way to extend:
// dstack OS releases after 0.5 have no EmitEvent.
type Extender interface {
	// State reads log and register in one answer.
	State(ctx context.Context) (State, error)
	// Emit extends RTMR3 with the event. An error leaves open whether it did.
	Emit(ctx context.Context, e Event) error
}

// ErrNoEmit says that the guest agent has no EmitEvent call (dstack OS removed
// it after 0.5). An Extender wraps it; Emit does not try again.
var ErrNoEmit = errors.New("the guest agent has no EmitEvent call")

// ErrLogMismatch says that the event log does not replay to RTMR3. The register
// can't be rewound, so only a reboot mends it.
var ErrLogMismatch = errors.New("the event log does not match RTMR3")

// ErrNotReady says that the log has no system-ready: dstack is still booting.
var ErrNotReady = errors.New("the event log has no " + EventSystemReady + " event")

const (
	emitTries   = 3                      // how often an event that surely did not land is repeated
	settleTries = 20                     // with settlePause: a few seconds for another emitter to finish
	settlePause = 250 * time.Millisecond // between two reads of a log that does not replay
)

// Emit extends RTMR3 with each event that this boot's register does not hold
// yet, in order, and returns the state in which log and register agree and hold
// all of them. emitted counts the events that were not there before.
//
// Nothing is believed on the agent's word alone: an event is skipped, and the
// whole called done, only on a log that replays to the register of the same
// answer. sleep waits between reads; it returns early with an error when the
// context ends.
func Emit(ctx context.Context, x Extender, events []Event, sleep func(context.Context, time.Duration) error) (state State, emitted int, err error) {
	for _, e := range events {
		did, err := emitOnce(ctx, x, e, sleep)
		if err != nil {
			return State{}, emitted, fmt.Errorf("event %s: %w", e.Name, err)
		}
		if did {
			emitted++
		}
	}
	state, after, err := settle(ctx, x, sleep)
	if err != nil {
		return State{}, emitted, err
	}
	for _, e := range events {
		if !holds(after, e) {
			return State{}, emitted, fmt.Errorf("event %s: the guest agent took it, but its log does not hold it", e.Name)
		}
	}
	return state, emitted, nil
}

// emitOnce emits e unless the register holds it already.
func emitOnce(ctx context.Context, x Extender, e Event, sleep func(context.Context, time.Duration) error) (did bool, err error) {
	var last error
	for range emitTries {
		_, after, err := settle(ctx, x, sleep)
		if err != nil {
			return false, errors.Join(last, err)
		}
		if holds(after, e) {
			return last != nil, nil
		}
		if last = x.Emit(ctx, e); last == nil {
			return true, nil
		}
		if errors.Is(last, ErrNoEmit) {
			return false, last
		}
	}
	// The last try may have landed although its answer was an error.
	_, after, err := settle(ctx, x, sleep)
	if err == nil && holds(after, e) {
		return true, nil
	}
	return false, errors.Join(last, err)
}

// settle reads until the log replays to the register, and gives the events
// after system-ready.
func settle(ctx context.Context, x Extender, sleep func(context.Context, time.Duration) error) (State, []Runtime, error) {
	for try := 1; ; try++ {
		state, err := x.State(ctx)
		if err != nil {
			return State{}, nil, err
		}
		events, err := state.Log.Replay()
		if err == nil && End(events) == state.RTMR3 {
			after, ok := AfterReady(events)
			if !ok {
				return State{}, nil, ErrNotReady
			}
			return state, after, nil
		}
		if try == settleTries {
			return State{}, nil, errors.Join(ErrLogMismatch, err)
		}
		if err := sleep(ctx, settlePause); err != nil {
			return State{}, nil, err
		}
	}
}

// AfterReady gives the events after system-ready, the only ones that are not
// dstack's own; ok is false where there is no system-ready.
func AfterReady(events []Runtime) (after []Runtime, ok bool) {
	for i, e := range events {
		if e.Name == EventSystemReady {
			return events[i+1:], true
		}
	}
	return nil, false
}

func holds(events []Runtime, e Event) bool {
	return slices.ContainsFunc(events, func(have Runtime) bool { return have.Equal(e) })
}

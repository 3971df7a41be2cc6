package measure

import (
	"encoding/hex"
	"fmt"
	"strings"

	"gitlauncher/internal/strictjson"
)

// maxLog bounds an event log that is read, in bytes: 16 MiB. A booted VM's log
// is some tens of KiB; anyone who reaches the socket can make it longer.
const maxLog = 16 << 20

// Entry is one line of dstack's event log. Its fields hold what the log says. What that
// means is computed ([Log.Replay]) and never taken over.
type Entry struct {
	IMR       uint32 `json:"imr"`
	EventType uint32 `json:"event_type"`
	Digest    string `json:"digest"` // hex; the empty string is normal for IMR 3
	Event     string `json:"event"`
	Payload   string `json:"event_payload"` // hex
	Version   int    `json:"version"`       // absent means 1
	Preimage  string `json:"preimage"`      // hex; version 2 only
}

// Log is dstack's event log, all registers, in the order of the log.
type Log []Entry

// LogError is a log entry that can't be what extended RTMR3.
type LogError struct {
	Index  int // in the whole log, from 0
	Event  string
	Reason string
}

func (e *LogError) Error() string {
	return fmt.Sprintf("event log entry %d (%.64q): %s", e.Index, e.Event, e.Reason)
}

// ParseLog decodes an event log strictly.
func ParseLog(data []byte) (Log, error) {
	if len(data) > maxLog {
		return nil, fmt.Errorf("event log is larger than %d MiB", maxLog>>20)
	}
	var log Log
	if err := strictjson.Unmarshal(data, &log); err != nil {
		return nil, fmt.Errorf("event log: %w", err)
	}
	return log, nil
}

// Runtime is an RTMR3 entry that was understood.
type Runtime struct {
	Event
	Index   int // in the whole log, from 0
	Version int // 1 or 2
	Digest  Register
	After   Register // RTMR3 once this event has extended it
}

// Replay recomputes every RTMR3 digest from name and payload, and returns the entries
// with the register after each. It leaves out the entries of other registers. The last
// entry's After is what RTMR3 must be. Errors are *[LogError].
func (l Log) Replay() ([]Runtime, error) {
	n := 0
	for _, e := range l {
		if e.IMR == IMR {
			n++
		}
	}
	out := make([]Runtime, 0, n) // in one piece: a hostile log has tens of thousands
	var reg Register
	for i, e := range l {
		if e.IMR != IMR {
			continue
		}
		event, digest, err := e.understand()
		if err != nil {
			return nil, &LogError{Index: i, Event: e.Event, Reason: err.Error()}
		}
		reg = reg.Extend(digest)
		out = append(out, Runtime{Event: event, Index: i, Version: max(e.Version, 1), Digest: digest, After: reg})
	}
	return out, nil
}

// End is the register that a replayed log ends in.
func End(events []Runtime) Register {
	if len(events) == 0 {
		return Register{}
	}
	return events[len(events)-1].After
}

// understand recomputes an entry's digest, and refuses an entry whose own words
// contradict each other.
func (e Entry) understand() (Event, Register, error) {
	fail := func(format string, args ...any) (Event, Register, error) {
		return Event{}, Register{}, fmt.Errorf(format, args...)
	}
	if e.EventType != RuntimeEventType {
		return fail("has event type %#x, not %#x", e.EventType, RuntimeEventType)
	}
	if strings.Contains(e.Event, ":") {
		return fail("has a name with a colon, which makes its digest ambiguous")
	}
	payload, err := hex.DecodeString(e.Payload)
	if err != nil {
		return fail("has a payload that is not hex")
	}
	event := Event{Name: e.Event, Payload: payload}
	digest := event.Digest()
	switch e.Version {
	case 0, 1:
		if e.Preimage != "" {
			return fail("has a preimage, which version 1 does not")
		}
	case 2:
		preimage, err := event.Preimage()
		if err != nil {
			return fail("%v", err)
		}
		// The digest follows from name and payload; a preimage that is there is a claim.
		if e.Preimage != "" && e.Preimage != hex.EncodeToString(preimage) {
			return fail("has a preimage that is not the canonical one of its name and payload")
		}
		if digest, err = event.DigestV2(); err != nil {
			return fail("%v", err)
		}
	default:
		return fail("has log version %d, which is not known", e.Version)
	}
	if e.Digest != "" && !strings.EqualFold(e.Digest, digest.String()) {
		return fail("has a digest that is not the one of its name and payload")
	}
	return event, digest, nil
}

package measure

import (
	"encoding/hex"
	"fmt"
	"strings"

	"gitlauncher/internal/strictjson"
)

// maxLog is the size of the largest event log that is read, in bytes: 16 MiB. A booted VM's
// log has some tens of KiB; anyone who reaches the socket can make it longer.
const maxLog = 16 << 20

// Entry is one entry of dstack's event log. Its fields are claims: [Log.Replay] computes
// what they must be.
type Entry struct {
	IMR       uint32 `json:"imr"`
	EventType uint32 `json:"event_type"`
	Digest    string `json:"digest"`        // hex; dstack leaves it empty for IMR 3
	Event     string `json:"event"`         // the event's name
	Payload   string `json:"event_payload"` // hex
	Version   int    `json:"version"`       // absent means 1
	Preimage  string `json:"preimage"`      // hex; version 2 only
}

// Log is dstack's event log: the entries of all registers, in their order.
type Log []Entry

// LogError says why a log entry can't be what extended RTMR3.
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

// Runtime is an event that extended RTMR3, as [Log.Replay] computes it.
type Runtime struct {
	Event
	Index    int      // in the whole log, from 0
	Version  int      // of the log entry: 1 or 2
	Extended Register // the digest that extended RTMR3
	RTMR3    Register // the register after that
}

// Replay computes from name and payload what each event of RTMR3 extended it with, and the
// register after each. It leaves out the entries of other registers. RTMR3 must be what
// [End] returns. Errors are *[LogError].
func (l Log) Replay() ([]Runtime, error) {
	n := 0
	for _, e := range l {
		if e.IMR == IMR {
			n++
		}
	}
	out := make([]Runtime, 0, n) // allocated once: a hostile log has tens of thousands
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
		out = append(out, Runtime{Event: event, Index: i, Version: max(e.Version, 1), Extended: digest, RTMR3: reg})
	}
	return out, nil
}

// End returns the register after the last event.
func End(events []Runtime) Register {
	if len(events) == 0 {
		return Register{}
	}
	return events[len(events)-1].RTMR3
}

// understand returns an entry's event and what it extended RTMR3 with. It refuses an entry
// whose fields contradict each other.
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
		// A preimage is only a claim: name and payload decide it.
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

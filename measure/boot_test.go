package measure

import (
	"errors"
	"testing"
)

// TestBoot: a log is believed only where it replays to the register that came with it.
func TestBoot(t *testing.T) {
	log := Log{{IMR: IMR, EventType: RuntimeEventType, Event: "app-id"}, {IMR: IMR, EventType: RuntimeEventType, Event: EventSystemReady},
		{IMR: IMR, EventType: RuntimeEventType, Event: EventLaunch, Payload: "6f6e65"}, {IMR: IMR, EventType: RuntimeEventType, Event: EventLaunch, Payload: "74776f"}}
	events, err := log.Replay()
	if err != nil {
		t.Fatal(err)
	}
	boot, err := State{Log: log, RTMR3: End(events)}.Boot()
	if err != nil || len(boot.Events) != 4 || len(boot.After) != 2 || boot.RTMR3 != End(events) {
		t.Fatalf("%+v, %v", boot, err)
	}
	if record, ok := boot.LastRecord(); !ok || string(record) != "two" {
		t.Errorf("the last record is %q", record)
	}
	if e := (Event{Name: EventLaunch, Payload: []byte("one")}); !boot.Holds(e) {
		t.Error("an event after system-ready is not held")
	}
	if e := (Event{Name: "app-id"}); boot.Holds(e) {
		t.Error("an event before system-ready is held")
	}
	if _, err := (State{Log: log, RTMR3: events[2].After}).Boot(); !errors.Is(err, ErrLogMismatch) {
		t.Errorf("another register: %v", err)
	}
	if _, err := (State{Log: log[:1], RTMR3: events[0].After}).Boot(); !errors.Is(err, ErrNotReady) {
		t.Errorf("no system-ready: %v", err)
	}
	var le *LogError
	if _, err := (State{Log: Log{{IMR: IMR}}}).Boot(); !errors.As(err, &le) {
		t.Errorf("an entry that can't be: %v", err)
	}
	if _, ok := (Boot{}).LastRecord(); ok {
		t.Error("an empty boot has a record")
	}
}

// TestLaunched: both the description and the image count.
func TestLaunched(t *testing.T) {
	r := ImageRecord{Image: "example.org/a", ApprovedDigest: "sha256:aa", ContainerSHA256: "cc"}
	record, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	boot := Boot{After: []Runtime{{Event: Event{Name: EventImageLaunch, Payload: []byte("no record")}}, {Event: Event{Name: EventLaunch, Payload: record}}}}
	if boot.Launched("cc", "example.org/a@sha256:aa") {
		t.Error("a record under another event's name counts")
	}
	boot.After = append(boot.After, Runtime{Event: Event{Name: EventImageLaunch, Payload: record}})
	for _, c := range []struct {
		sum, image string
		want       bool
	}{{"cc", "example.org/a@sha256:aa", true}, {"cd", "example.org/a@sha256:aa", false}, {"cc", "example.org/a@sha256:ab", false}, {"cc", "example.org/b@sha256:aa", false}} {
		if got := boot.Launched(c.sum, c.image); got != c.want {
			t.Errorf("%s %s: %t", c.sum, c.image, got)
		}
	}
}

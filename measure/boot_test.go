package measure

import (
	"context"
	"crypto/sha256"
	"errors"
	"testing"
	"time"
)

// TestBoot: a log is believed only if it replays to the register that came with it.
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
	if _, err := (State{Log: log, RTMR3: events[2].RTMR3}).Boot(); !errors.Is(err, ErrLogMismatch) {
		t.Errorf("another register: %v", err)
	}
	if _, err := (State{Log: log[:1], RTMR3: events[0].RTMR3}).Boot(); !errors.Is(err, ErrNotReady) {
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

// TestLaunched: both the description and the image must agree.
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

// answers is a guest agent that always gives the same answer.
type answers struct {
	state State
	err   error
	reads int
}

func (a *answers) State(context.Context) (State, error) {
	a.reads++
	return a.state, a.err
}

// TestReadBoot: an agent that fails to answer is not asked again. A log that does not replay
// is read again, and in the end the error says why it does not.
func TestReadBoot(t *testing.T) {
	sleeps := 0
	sleep := func(context.Context, time.Duration) error { sleeps++; return nil }
	away := &answers{err: errors.New("away")}
	if _, err := ReadBoot(t.Context(), away, sleep); !errors.Is(err, away.err) || away.reads != 1 || sleeps != 0 {
		t.Errorf("an agent that is away: %v, after %d reads", err, away.reads)
	}
	early := &answers{}
	if _, err := ReadBoot(t.Context(), early, sleep); !errors.Is(err, ErrNotReady) || early.reads != 1 {
		t.Errorf("an empty register: %v, after %d reads", err, early.reads)
	}
	other := &answers{state: State{RTMR3: Register{1}}}
	if _, err := ReadBoot(t.Context(), other, sleep); !errors.Is(err, ErrLogMismatch) || other.reads != settleTries || sleeps != settleTries-1 {
		t.Errorf("another register: %v, after %d reads and %d pauses", err, other.reads, sleeps)
	}
	var le *LogError
	odd := &answers{state: State{Log: Log{{IMR: IMR}}}}
	if _, err := ReadBoot(t.Context(), odd, sleep); !errors.Is(err, ErrLogMismatch) || !errors.As(err, &le) {
		t.Errorf("an entry that can't be: %v", err)
	}
	ended := errors.New("ended")
	if _, err := ReadBoot(t.Context(), other, func(context.Context, time.Duration) error { return ended }); !errors.Is(err, ended) {
		t.Errorf("no time to wait: %v", err)
	}
}

// TestAppCompose: one event before system-ready, and no more, must have the hash of the
// bytes.
func TestAppCompose(t *testing.T) {
	const text = `{"name":"a"}`
	sum := sha256.Sum256([]byte(text))
	hash, ready := Runtime{Event: Event{Name: EventComposeHash, Payload: sum[:]}}, Runtime{Event: Event{Name: EventSystemReady}}
	wrong := Runtime{Event: Event{Name: EventComposeHash, Payload: make([]byte, 32)}}
	app := Runtime{Event: Event{Name: "app-id"}}
	for name, c := range map[string]struct {
		events []Runtime
		after  int
		ok     bool
	}{
		"measured":           {[]Runtime{app, hash, ready}, 0, true},
		"and again after it": {[]Runtime{hash, ready, wrong}, 1, true},
		"twice":              {[]Runtime{hash, hash, ready}, 0, false},
		"another, too":       {[]Runtime{hash, wrong, ready}, 0, false},
		"another":            {[]Runtime{wrong, ready}, 0, false},
		"never":              {[]Runtime{app, ready}, 0, false},
		"after it alone":     {[]Runtime{app, ready, hash}, 1, false},
	} {
		got, err := Boot{Events: c.events, After: c.events[len(c.events)-c.after:], appCompose: text}.AppCompose()
		if c.ok && (err != nil || string(got) != text) || !c.ok && (!errors.Is(err, ErrCompose) || got != nil) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

// TestLastRecord: the record may be of either mode; other events do not count.
func TestLastRecord(t *testing.T) {
	event := func(name, payload string) Runtime { return Runtime{Event: Event{Name: name, Payload: []byte(payload)}} }
	for _, c := range []struct {
		after []Runtime
		want  string
	}{
		{[]Runtime{event(EventLaunch, "git"), event("other", "x")}, "git"},
		{[]Runtime{event(EventLaunch, "git"), event(EventImageLaunch, "image"), event(EventCommit, "x")}, "image"},
		{[]Runtime{event("other", "x"), event(EventImageDigest, "y")}, ""},
	} {
		if got, ok := (Boot{After: c.after}).LastRecord(); string(got) != c.want || ok != (c.want != "") {
			t.Errorf("%q, %t; want %q", got, ok, c.want)
		}
	}
}

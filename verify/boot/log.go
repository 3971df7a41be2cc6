package boot

import (
	"fmt"
	"slices"
	"strings"

	"gitlauncher/measure"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
)

// onceInOrder are dstack's own events, each exactly once and in this order.
var onceInOrder = []string{"system-preparing", "app-id", "compose-hash", "instance-id", "boot-mr-done", "key-provider", measure.EventSystemReady}

// atMostOnce may stand among them; repeatable may stand among them any number of times.
var (
	atMostOnce = []string{"mr-kms", "os-image-hash", "gpu-policy-hash", "gpu-attestation", "storage-fs"}
	repeatable = []string{"init-script-hash"}
	ours       = []string{measure.EventCommit, measure.EventLaunch, measure.EventImageDigest, measure.EventImageLaunch}
)

// Log is what the quote's RTMR3 attests of an event log.
type Log struct {
	Events []measure.Runtime
	After  []measure.Runtime // those of them after system-ready
	Prefix bool              // the log continues after what the quote attests
}

// Event returns dstack's own event of a name, or nil if there is none.
func (l Log) Event(name string) *measure.Runtime {
	for i, e := range l.Events {
		if e.Name == measure.EventSystemReady {
			break
		}
		if e.Name == name {
			return &l.Events[i]
		}
	}
	return nil
}

// Payload returns the payload of dstack's own event of a name, or nil if there is none.
func (l Log) Payload(name string) []byte {
	if e := l.Event(name); e != nil {
		return e.Payload
	}
	return nil
}

// Replay is check C: it replays the log against the quote's RTMR3, and then judges the
// names of its events by number and position.
func Replay(c report.Check, e *evidence.Evidence, q *quote.Quote) (l Log) {
	const name = "event log"
	want := q.RTMR[3]
	if len(e.Log) == 0 {
		c.Undecided(name, "", "none", "the evidence has no event log to recompute RTMR3 from")
		return l
	}
	events, err := e.Log.Replay()
	if err != nil {
		c.Invalid(name, "entries that could have extended RTMR3", "", err.Error())
		return l
	}
	n := slices.IndexFunc(events, func(e measure.Runtime) bool { return e.RTMR3 == want }) + 1
	switch {
	case n == len(events) && n > 0:
		c.Pass(name, fmt.Sprintf("its %d events make RTMR3 of the quote", n))
	case n > 0 && e.Kind == evidence.KindPhala:
		l.Prefix = true
		c.Note(name, fmt.Sprintf("the first %d of %d events make RTMR3 of the quote", n, len(events)), "the quote was taken while the guest agent started; the events after that are not attested. A launch receipt is what proves the commit")
	case n > 0:
		c.Invalid(name, want.String(), fmt.Sprintf("already the first %d of %d events make RTMR3 of the quote", n, len(events)), "the log has entries after what the quote attests. If only the last one is too many, that is more likely an emit that dstack logged and failed to extend than tampering; the VM needs a reboot either way")
		return l
	default:
		c.Invalid(name, want.String(), measure.End(events).String(), "the log does not make RTMR3 of the quote: an entry was changed, added, removed or moved, or the log is of another boot")
		return l
	}
	l.Events = events[:n]
	l.After, _ = measure.AfterReady(l.Events)
	l.order(c)
	l.others(c)
	return l
}

// InitScripts returns the payloads of dstack's events for init scripts: one hash each.
func (l Log) InitScripts() (sums [][]byte) {
	for _, e := range l.Events[:len(l.Events)-len(l.After)] {
		if e.Name == "init-script-hash" {
			sums = append(sums, e.Payload)
		}
	}
	return sums
}

// order judges dstack's names: those before system-ready are dstack's, those
// after it belong to anyone who reached the socket.
func (l Log) order(c report.Check) {
	const name = "boot events"
	var wrong, unknown []string
	count := make(map[string]int)
	next, ready := 0, false
	for _, e := range l.Events {
		count[e.Name]++
		own := slices.Contains(ours, e.Name)
		dstacks := slices.Contains(onceInOrder, e.Name) || slices.Contains(atMostOnce, e.Name) || slices.Contains(repeatable, e.Name)
		switch {
		case ready && dstacks:
			wrong = append(wrong, fmt.Sprintf("%s after system-ready, where dstack writes nothing", e.Name))
		case !ready && own:
			wrong = append(wrong, fmt.Sprintf("%s before system-ready, where only dstack writes", e.Name))
		case !ready && !dstacks:
			unknown = append(unknown, fmt.Sprintf("%.40q", e.Name))
		}
		if !ready && slices.Contains(onceInOrder, e.Name) {
			if next < len(onceInOrder) && onceInOrder[next] == e.Name {
				next++
			} else {
				wrong = append(wrong, e.Name+" out of order")
			}
		}
		if slices.Contains(atMostOnce, e.Name) && count[e.Name] == 2 {
			wrong = append(wrong, e.Name+" more than once")
		}
		ready = ready || e.Name == measure.EventSystemReady
	}
	for _, missing := range onceInOrder[next:] {
		if !l.Prefix {
			wrong = append(wrong, "no "+missing)
		}
	}
	switch {
	case len(wrong) > 0:
		c.Invalid(name, "dstack's boot events once each and in order", some(wrong, "; "), "a dstack VM does not boot like this; somebody else wrote the log")
	case !ready:
		c.Note(name, "the attested log ends before system-ready", "")
	default:
		found := "once each and in order"
		if len(unknown) > 0 {
			found += "; unknown ones before system-ready: " + some(unknown, ", ")
		}
		c.Pass(name, found)
	}
}

// others notes what an application wrote beside launches.
func (l Log) others(c report.Check) {
	var names []string
	seen := make(map[string]bool)
	for _, e := range l.After {
		if !slices.Contains(ours, e.Name) && !seen[e.Name] {
			names, seen[e.Name] = append(names, fmt.Sprintf("%.60s", e.Name)), true
		}
	}
	if len(names) > 0 {
		c.Note("other events", some(names, ", "), "an application wrote them; they say nothing about the launch")
	}
}

// some joins the first items of a list. Anyone who reaches the socket can make such a
// list as long as they like.
func some(list []string, sep string) string {
	const most = 20
	if len(list) <= most {
		return strings.Join(list, sep)
	}
	return strings.Join(list[:most], sep) + fmt.Sprintf("%sand %d more", sep, len(list)-most)
}

package verify

import (
	"fmt"
	"slices"
	"strings"

	"gitlauncher/measure"
	"gitlauncher/verify/quote"
)

// onceInOrder are dstack's own events, each exactly once and in this order.
var onceInOrder = []string{"system-preparing", "app-id", "compose-hash", "instance-id", "boot-mr-done", "key-provider", measure.EventSystemReady}

// atMostOnce may stand among them; repeatable may stand among them any number of times.
var (
	atMostOnce = []string{"mr-kms", "os-image-hash", "gpu-policy-hash", "gpu-attestation", "storage-fs"}
	repeatable = []string{"init-script-hash"}
	ours       = []string{measure.EventCommit, measure.EventLaunch, measure.EventImageDigest, measure.EventImageLaunch}
)

// boot is what the quote's RTMR3 attests of the log.
type boot struct {
	events []measure.Runtime
	after  []measure.Runtime // those of them after system-ready
	prefix bool              // the log goes on after what the quote attests
}

// event returns dstack's own event of a name; nil where there is none.
func (b boot) event(name string) *measure.Runtime {
	for i, e := range b.events {
		if e.Name == measure.EventSystemReady {
			break
		}
		if e.Name == name {
			return &b.events[i]
		}
	}
	return nil
}

// payload returns that of dstack's own event of a name; nil where there is none.
func (b boot) payload(name string) []byte {
	if e := b.event(name); e != nil {
		return e.Payload
	}
	return nil
}

// log is check C: the log replayed against the quote's RTMR3, then its names by
// number and position.
func (j *judge) log(q *quote.Quote) (b boot) {
	const name = "event log"
	c, want := j.check("C"), q.RTMR[3]
	if len(j.evidence.Log) == 0 {
		c.undecided(name, "", "none", "the evidence has no event log to recompute RTMR3 from")
		return b
	}
	events, err := j.evidence.Log.Replay()
	if err != nil {
		c.invalid(name, "entries that could have extended RTMR3", "", err.Error())
		return b
	}
	n := slices.IndexFunc(events, func(e measure.Runtime) bool { return e.After == want }) + 1
	switch {
	case n == len(events) && n > 0:
		c.pass(name, fmt.Sprintf("its %d events make RTMR3 of the quote", n))
	case n > 0 && j.evidence.Kind == KindPhala:
		b.prefix = true
		c.note(name, fmt.Sprintf("the first %d of %d events make RTMR3 of the quote", n, len(events)), "the quote was taken while the guest agent started; the events after that are not attested. A launch receipt is what proves the commit")
	case n > 0:
		c.invalid(name, want.String(), fmt.Sprintf("already the first %d of %d events make RTMR3 of the quote", n, len(events)), "the log has entries behind what the quote attests. If only the last one is too many, that is more likely an emit that dstack logged and failed to extend than tampering; the VM needs a reboot either way")
		return b
	default:
		c.invalid(name, want.String(), measure.End(events).String(), "the log does not make RTMR3 of the quote: an entry was changed, added, removed or moved, or the log is of another boot")
		return b
	}
	b.events = events[:n]
	b.after, _ = measure.AfterReady(b.events)
	b.order(c)
	b.others(c)
	return b
}

// order judges dstack's names: those before system-ready are dstack's, those
// after it belong to anyone who reached the socket.
func (b boot) order(c check) {
	const name = "boot events"
	var wrong, unknown []string
	count := make(map[string]int)
	next, ready := 0, false
	for _, e := range b.events {
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
		if !b.prefix {
			wrong = append(wrong, "no "+missing)
		}
	}
	switch {
	case len(wrong) > 0:
		c.invalid(name, "dstack's boot events once each and in order", some(wrong, "; "), "a dstack VM does not boot like this; somebody else wrote the log")
	case !ready:
		c.note(name, "the attested log ends before system-ready", "")
	default:
		found := "once each and in order"
		if len(unknown) > 0 {
			found += "; unknown ones before system-ready: " + some(unknown, ", ")
		}
		c.pass(name, found)
	}
}

// others lists what those who reached the socket wrote beside launches.
func (b boot) others(c check) {
	var names []string
	seen := make(map[string]bool)
	for _, e := range b.after {
		if !slices.Contains(ours, e.Name) && !seen[e.Name] {
			names, seen[e.Name] = append(names, fmt.Sprintf("%.60s", e.Name)), true
		}
	}
	if len(names) > 0 {
		c.note("other events", some(names, ", "), "an application wrote them; they say nothing about the launch")
	}
}

// some joins the first of a list, which anyone who reaches the socket can make as long
// as they like.
func some(list []string, sep string) string {
	const most = 20
	if len(list) <= most {
		return strings.Join(list, sep)
	}
	return strings.Join(list[:most], sep) + fmt.Sprintf("%sand %d more", sep, len(list)-most)
}

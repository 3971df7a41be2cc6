package verify

import (
	"fmt"
	"slices"
	"strings"

	"gitlauncher/measure"
)

// onceInOrder are dstack's own events, each exactly once and in this order.
var onceInOrder = []string{"system-preparing", "app-id", "compose-hash", "instance-id", "boot-mr-done", "key-provider", measure.EventSystemReady}

// atMostOnce may stand among them; repeatable may stand among them any number of times.
var (
	atMostOnce = []string{"mr-kms", "os-image-hash", "gpu-policy-hash", "gpu-attestation", "storage-fs"}
	repeatable = []string{"init-script-hash"}
	ours       = []string{measure.EventCommit, measure.EventLaunch, measure.EventImageDigest, measure.EventImageLaunch}
)

// log is check C: the log replayed against the quote's RTMR3, then its names by
// number and position.
func (j *judgement) log() {
	const name = "event log"
	want := j.quote.RTMR[3]
	if len(j.evidence.Log) == 0 {
		j.add("C", name, Undecided, "", "none", "the evidence has no event log to recompute RTMR3 from")
		return
	}
	events, err := j.evidence.Log.Replay()
	if err != nil {
		j.add("C", name, Invalid, "entries that could have extended RTMR3", "", err.Error())
		return
	}
	n := slices.IndexFunc(events, func(e measure.Runtime) bool { return e.After == want }) + 1
	switch {
	case n == len(events) && n > 0:
		j.add("C", name, Pass, "", fmt.Sprintf("its %d events make RTMR3 of the quote", n), "")
	case n > 0 && j.evidence.Kind == KindPhala:
		j.prefix = true
		j.add("C", name, Note, "", fmt.Sprintf("the first %d of %d events make RTMR3 of the quote", n, len(events)),
			"the quote was taken while the guest agent started; the events after that are not attested. A launch receipt is what proves the commit")
	case n > 0:
		j.add("C", name, Invalid, want.String(), fmt.Sprintf("already the first %d of %d events make RTMR3 of the quote", n, len(events)),
			"the log has entries behind what the quote attests. If only the last one is too many, that is more likely an emit that dstack logged and failed to extend than tampering; the VM needs a reboot either way")
		return
	default:
		j.add("C", name, Invalid, want.String(), measure.End(events).String(), "the log does not make RTMR3 of the quote: an entry was changed, added, removed or moved, or the log is of another boot")
		return
	}
	j.attested = events[:n]
	j.order()
}

// order judges dstack's names: those before system-ready are dstack's, those
// after it whoever's reached the socket.
func (j *judgement) order() {
	const name = "boot events"
	var wrong, unknown []string
	count := make(map[string]int)
	next, ready := 0, false
	for _, e := range j.attested {
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
		if !j.prefix {
			wrong = append(wrong, "no "+missing)
		}
	}
	switch {
	case len(wrong) > 0:
		j.add("C", name, Invalid, "dstack's boot events once each and in order", some(wrong, "; "), "a dstack VM does not boot like this; somebody else wrote the log")
	case !ready:
		j.add("C", name, Note, "", "the attested log ends before system-ready", "")
	default:
		found := "once each and in order"
		if len(unknown) > 0 {
			found += "; unknown ones before system-ready: " + some(unknown, ", ")
		}
		j.add("C", name, Pass, "", found, "")
	}
	j.after, _ = measure.AfterReady(j.attested)
	j.others()
}

// others lists what whoever's reached the socket wrote beside launches.
func (j *judgement) others() {
	var names []string
	seen := make(map[string]bool)
	for _, e := range j.after {
		if !slices.Contains(ours, e.Name) && !seen[e.Name] {
			names, seen[e.Name] = append(names, fmt.Sprintf("%.60s", e.Name)), true
		}
	}
	if len(names) > 0 {
		j.add("C", "other events", Note, "", some(names, ", "), "an application wrote them; they say nothing about the launch")
	}
}

// some joins the first of a list that whoever reaches the socket makes as long as
// he likes.
func some(list []string, sep string) string {
	const most = 20
	if len(list) <= most {
		return strings.Join(list, sep)
	}
	return strings.Join(list[:most], sep) + fmt.Sprintf("%sand %d more", sep, len(list)-most)
}

// payload is that of dstack's own event of a name; nil where there is none.
func (j *judgement) payload(name string) []byte {
	for _, e := range j.attested {
		if e.Name == measure.EventSystemReady {
			break
		}
		if e.Name == name {
			return e.Payload
		}
	}
	return nil
}

package verify

import (
	"strings"

	"gitlauncher/measure"
	"gitlauncher/policy"
	"gitlauncher/verify/quote"
)

// system is what check B found out about the system.
type system struct {
	expected bool // all four registers are ones that the policy expects
	// providers are the digests of key-provider events that the policy's SYSTEM lines
	// expect of it; nil where one of these lines leaves that open.
	providers []measure.Register
}

// registers is check B: the quote's registers against the policy, and the words
// beside the quote against the quote.
func (j *judge) registers(q *quote.Quote) system {
	c := j.check("B")
	found := [4]measure.Register{q.MRTD, q.RTMR[0], q.RTMR[1], q.RTMR[2]}
	claimed := [4]string{j.evidence.Claims.MRTD, j.evidence.Claims.RTMR0, j.evidence.Claims.RTMR1, j.evidence.Claims.RTMR2}
	for i, name := range registerNames {
		if claimed[i] != "" && !strings.EqualFold(strings.TrimPrefix(claimed[i], "0x"), found[i].String()) {
			c.invalid(name+" in tcb_info", found[i].String(), claimed[i], "the evidence contradicts itself: tcb_info has another value than the quote")
		}
	}
	if j.Policy.System.Given() {
		return j.oneSystem(c, found)
	}
	s := system{expected: true}
	for i, want := range []policy.Expectation{&j.Policy.MRTD, &j.Policy.RTMR0, &j.Policy.RTMR1, &j.Policy.RTMR2} {
		name := registerNames[i]
		j.expect(c, name, want, found[i].String(), otherSystem,
			"any TDX host can boot a kernel of its own and replay somebody's log; without "+name+" nothing says which system this is")
		s.expected = s.expected && want.Allows(found[i].String())
	}
	return s
}

// registerNames are those of the registers that say which system was booted.
var registerNames = [4]string{"MRTD", "RTMR0", "RTMR1", "RTMR2"}

const otherSystem = "another system than the expected one was booted"

// oneSystem judges the registers by the policy's SYSTEM lines. They pass together or not
// at all: the firmware of one system under the kernel of another is neither.
func (j *judge) oneSystem(c check, found [4]measure.Register) (s system) {
	var nearest [4]measure.Register
	best, open := -1, false
	for _, t := range j.Policy.System.Values() {
		want, same := [4]measure.Register{t.MRTD, t.RTMR0, t.RTMR1, t.RTMR2}, 0
		for i := range want {
			if want[i] == found[i] {
				same++
			}
		}
		if same > best {
			best, nearest = same, want
		}
		if want == found {
			s.expected = true
			s.providers = append(s.providers, t.KeyProviderDigest)
			open = open || t.KeyProviderDigest == measure.Register{}
		}
	}
	if open {
		s.providers = nil
	}
	why := otherSystem
	if len(j.Policy.System.Values()) > 1 {
		why += "; of those in SYSTEM the nearest has this value"
	}
	for i, name := range registerNames {
		if found[i] == nearest[i] {
			c.pass(name, found[i].String())
		} else {
			c.notAllowed(name, nearest[i].String(), found[i].String(), why)
		}
	}
	return s
}

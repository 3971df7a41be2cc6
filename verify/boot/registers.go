package boot

import (
	"strings"

	"gitlauncher/measure"
	"gitlauncher/verify/compose"
	"gitlauncher/verify/evidence"
	"gitlauncher/verify/quote"
	"gitlauncher/verify/report"
	"gitlauncher/verify/system"
	"gitlauncher/verify/system/catalogue"
)

// System is what check B found out about the system.
type System struct {
	Expected bool // all four registers are ones that the policy expects
	// Providers are the digests of key-provider events that the policy's SYSTEM lines
	// expect of it; nil where one of these lines leaves that open.
	Providers []measure.Register
	Kind      compose.System // of its OS image
}

// judge holds what the parts of check B look at.
type judge struct {
	evidence *evidence.Evidence
	systems  *catalogue.Catalogue
}

// Registers is check B. It compares the quote's registers with the policy's values, or
// with what the policy's OS image makes of them, and the claims beside the quote with
// the quote.
func Registers(c report.Check, e *evidence.Evidence, q *quote.Quote, known *catalogue.Catalogue) System {
	j := judge{e, known}
	r := j.system(c, q)
	derivation(c, r, system.FindingImage, system.FindingBootLog)
	found := [4]measure.Register{q.MRTD, q.RTMR[0], q.RTMR[1], q.RTMR[2]}
	claimed := [4]string{j.evidence.Claims.MRTD, j.evidence.Claims.RTMR0, j.evidence.Claims.RTMR1, j.evidence.Claims.RTMR2}
	for i, name := range registerNames {
		if claimed[i] != "" && !strings.EqualFold(strings.TrimPrefix(claimed[i], "0x"), found[i].String()) {
			c.Invalid(name+" in tcb_info", found[i].String(), claimed[i], "the evidence contradicts itself: tcb_info has another value than the quote")
		}
	}
	s := expectedRegisters(c, r, found, j.suggestion(q))
	derivation(c, r, system.FindingACPI)
	j.flaws(c, q, r)
	s.Kind = j.kind(q, r)
	return s
}

// registerNames are the names of the registers that say which system was booted.
var registerNames = [4]string{system.FindingMRTD, system.FindingRTMR0, system.FindingRTMR1, system.FindingRTMR2}

// expectedRegisters compares the four registers with all that the policy says of them:
// tuples, values, and what its OS image makes of them.
func expectedRegisters(c report.Check, r *system.Result, found [4]measure.Register, suggestion []string) System {
	derive := c.Policy.OSImage.Given() || c.Policy.OSImageHash.Given()
	s := System{Expected: true}
	if c.Policy.System.Given() {
		s = oneSystem(c, found)
	}
	for i, name := range registerNames {
		switch want := pin(c.Policy, name); {
		case want.Given(), !derive && !c.Policy.System.Given():
			missing := "any TDX host can boot a kernel of its own and replay somebody's log; without OS_IMAGE, OS_IMAGE_HASH or " + name + " nothing says which system this is"
			if !want.Given() && suggestion != nil {
				c.Undecided(name, "", found[i].String(), missing, suggestion...)
			} else {
				c.Expect(name, want, found[i].String(), otherSystem, missing)
			}
			s.Expected = s.Expected && want.Allows(found[i].String())
		}
		if derive {
			derivation(c, r, name)
			f, ok := r.Find(name)
			s.Expected = s.Expected && ok && f.Outcome == system.Proven
		}
	}
	return s
}

const otherSystem = "another system than the expected one was booted"

// oneSystem judges the registers by the policy's SYSTEM lines. They pass together or not
// at all: the firmware of one system under the kernel of another is neither.
func oneSystem(c report.Check, found [4]measure.Register) (s System) {
	var nearest [4]measure.Register
	best, open := -1, false
	for _, t := range c.Policy.System.Values() {
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
			s.Expected = true
			s.Providers = append(s.Providers, t.KeyProviderDigest)
			open = open || t.KeyProviderDigest == measure.Register{}
		}
	}
	if open {
		s.Providers = nil
	}
	why := otherSystem
	if len(c.Policy.System.Values()) > 1 {
		why += "; of those in SYSTEM the nearest has this value"
	}
	for i, name := range registerNames {
		if found[i] == nearest[i] {
			c.Pass(name, found[i].String())
		} else {
			c.NotAllowed(name, nearest[i].String(), found[i].String(), why)
		}
	}
	return s
}

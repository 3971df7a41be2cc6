package system

import (
	"gitlauncher/measure"
	"gitlauncher/verify/system/tdvf"
)

// State says how an event of a register compares with what it must be.
type State string

// The states.
const (
	Same    State = "same"     // as derived
	Other   State = "other"    // derived, and the log has another
	Host    State = "host's"   // the host's to choose: the ACPI tables
	Unknown State = "unknown"  // not known
	Extra   State = "too many" // the firmware writes no such event
)

// Line is one event of a register, explained.
type Line struct {
	tdvf.Event
	Found measure.Register
	State State
}

// Explain compares the events of one register, as the log has them, with what they must
// be. It returns nil if the log does not make the quote's register.
func (r *Result) Explain(register int) []Line {
	if !r.Attested[register] {
		return nil
	}
	want := r.events(register)
	whole, _ := r.Find([]string{FindingRTMR0, FindingRTMR1, FindingRTMR2}[register])
	var lines []Line
	for i, found := range r.Boot[register] {
		if i >= len(want) {
			lines = append(lines, Line{tdvf.Event{Register: register, Name: "?", Part: tdvf.PartFirmware, Meaning: "the firmware of this layout writes no such event"}, found, Extra})
			continue
		}
		line := Line{want[i], found, Other}
		switch {
		case want[i].Digest == found:
			line.State = Same
		case want[i].Part == tdvf.PartACPI:
			line.State = Host
		case want[i].Digest == measure.Register{} && whole.Outcome != Proven:
			line.State = Unknown
		case want[i].Digest == measure.Register{}:
			line.State = Same // the register is proven as a whole
		}
		lines = append(lines, line)
	}
	return lines
}

// events returns the events that a register must hold. A digest that is not known is
// zero.
func (r *Result) events(register int) []tdvf.Event {
	d := r.Document
	if d == nil {
		d = new(Document)
	}
	switch register {
	case 0:
		var hob measure.Register
		if r.Witness != nil {
			hob, _ = r.Witness.HOB(r.Memory) // if the memory is unknown, so is the digest: zero
		}
		return tdvf.RTMR0Events(hob, nil)
	case 1:
		return tdvf.RTMR1Events(d.Kernel)
	}
	return tdvf.RTMR2Events(d.CmdlineDigest, d.Initrd)
}

// Package fault names what can go wrong with the calls of the simulator.
//
// Package sim makes it go wrong; this package does not.
package fault

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Fault is one thing that goes wrong with one call, from the Nth such call on, until a
// fault of the same call with a greater N begins.
type Fault struct {
	Kind string // the call, a hyphen, what goes wrong: "emit-404"
	From int    // 1 is the first
}

// The calls that can go wrong: EmitEvent, Info on every mount, and GetQuote with Attest.
const (
	Emit  = "emit"
	Info  = "info"
	Quote = "quote"
)

// callFaults can happen to each call: an unknown method, a path without a mount, a
// refusal in other words, a broken agent, an answer that makes no sense, no answer, and
// a connection that breaks once the call was carried out.
var callFaults = []string{"404", "unmounted", "400", "500", "junk", "hang", "lost-answer"}

// Faults of only one call.
const (
	LogWithoutExtend = "log-without-extend" // EmitEvent: the log gets an entry, the register does not
	infoMismatch     = "info-mismatch"      // Info: its log has an entry that the register lacks
)

// Kinds returns the kinds of faults.
func Kinds() []string {
	var kinds []string
	for _, call := range []string{Emit, Info, Quote} {
		for _, fault := range callFaults {
			kinds = append(kinds, call+"-"+fault)
		}
	}
	return append(kinds, LogWithoutExtend, infoMismatch)
}

// Parse reads KIND or KIND@N.
func Parse(s string) (Fault, error) {
	kind, at, has := strings.Cut(s, "@")
	f := Fault{Kind: kind, From: 1}
	if has {
		var err error
		if f.From, err = strconv.Atoi(at); err != nil || f.From < 1 {
			return Fault{}, fmt.Errorf("fault %q: after the @ comes a number from 1 on", s)
		}
	}
	if !slices.Contains(Kinds(), kind) {
		return Fault{}, fmt.Errorf("fault %q is none of %s", s, strings.Join(Kinds(), ", "))
	}
	return f, nil
}

// call returns the call that goes wrong.
func (f Fault) call() string {
	if f.Kind == LogWithoutExtend {
		return Emit
	}
	call, _, _ := strings.Cut(f.Kind, "-")
	return call
}

// Check refuses faults if it is not clear which of them counts.
func Check(faults []Fault) error {
	for i, f := range faults {
		for _, other := range faults[:i] {
			if f.From == other.From && f.call() == other.call() {
				return fmt.Errorf("the faults %s and %s begin with the same call, number %d", other.Kind, f.Kind, f.From)
			}
		}
	}
	return nil
}

// Of returns the fault that the nth call of a kind meets, without the name of the call.
// Of the faults that have begun it is the one that began last. It returns "" if the
// call goes well.
func Of(faults []Fault, call string, nth int) string {
	var last Fault
	for _, f := range faults {
		if f.call() == call && nth >= f.From && f.From > last.From {
			last = f
		}
	}
	return strings.TrimPrefix(last.Kind, call+"-")
}

package sim

import (
	"encoding/hex"
	"fmt"
	"net/http"
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
	emitCall  = "emit"
	infoCall  = "info"
	quoteCall = "quote"
)

// callFaults can happen to each call: an unknown method, a path without a mount, a
// refusal in other words, a broken agent, an answer that is none, no answer, and a
// connection that breaks once the call was carried out.
var callFaults = []string{"404", "unmounted", "400", "500", "junk", "hang", "lost-answer"}

// Faults of one call alone.
const (
	logWithoutExtend = "log-without-extend" // EmitEvent: the log gets an entry, the register does not
	infoMismatch     = "info-mismatch"      // Info: its log has an entry that the register has not
)

// FaultKinds are the faults that there are.
func FaultKinds() []string {
	var kinds []string
	for _, call := range []string{emitCall, infoCall, quoteCall} {
		for _, fault := range callFaults {
			kinds = append(kinds, call+"-"+fault)
		}
	}
	return append(kinds, logWithoutExtend, infoMismatch)
}

// ParseFault reads KIND or KIND@N.
func ParseFault(s string) (Fault, error) {
	kind, at, has := strings.Cut(s, "@")
	f := Fault{Kind: kind, From: 1}
	if has {
		var err error
		if f.From, err = strconv.Atoi(at); err != nil || f.From < 1 {
			return Fault{}, fmt.Errorf("fault %q: after the @ comes a number from 1 on", s)
		}
	}
	if !slices.Contains(FaultKinds(), kind) {
		return Fault{}, fmt.Errorf("fault %q is none of %s", s, strings.Join(FaultKinds(), ", "))
	}
	return f, nil
}

// call is the call that goes wrong.
func (f Fault) call() string {
	if f.Kind == logWithoutExtend {
		return emitCall
	}
	call, _, _ := strings.Cut(f.Kind, "-")
	return call
}

// checkFaults refuses faults of which it is not clear which counts.
func checkFaults(faults []Fault) error {
	for i, f := range faults {
		for _, other := range faults[:i] {
			if f.From == other.From && f.call() == other.call() {
				return fmt.Errorf("the faults %s and %s begin with the same call, number %d", other.Kind, f.Kind, f.From)
			}
		}
	}
	return nil
}

// begin counts a call and returns the fault that it meets, without the name of the
// call, or the empty string.
func (m *Machine) begin(call string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[call]++
	var last Fault
	for _, f := range m.opts.Faults {
		if f.call() == call && m.calls[call] >= f.From && f.From > last.From {
			last = f
		}
	}
	return strings.TrimPrefix(last.Kind, call+"-")
}

// misbehave answers as a fault says, and reports whether it did. A fault that lets the
// call be carried out is its handler's.
func misbehave(w http.ResponseWriter, r *http.Request, method, fault string) bool {
	switch fault {
	case "404":
		unknownMethod(w, method)
	case "unmounted":
		notMounted(w, r)
	case "400":
		refuse(w, http.StatusBadRequest, "the simulator was told to refuse this")
	case "500":
		refuse(w, http.StatusInternalServerError, "the simulator was told to fail")
	case "junk":
		w.WriteHeader(http.StatusTeapot)
		w.Write([]byte("\x00\x01junk\n{"))
	case "hang":
		<-r.Context().Done()
	default:
		return false
	}
	return true
}

// foreign is an entry of the log that did not extend the register.
func (m *Machine) foreign() entry {
	return m.runtimeEntry("not-in-the-register", []byte(hex.EncodeToString(m.seeded("foreign"))))
}

package sim

import (
	"encoding/hex"
	"net/http"

	"gitlauncher/internal/sim/fault"
)

// begin counts a call and returns the fault that it meets, see [fault.Of].
func (m *Machine) begin(call string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[call]++
	return fault.Of(m.opts.Faults, call, m.calls[call])
}

// misbehave answers as a fault says, and reports whether it did. Faults that let the
// call be carried out are up to its handler.
func misbehave(w http.ResponseWriter, r *http.Request, method, met string) bool {
	switch met {
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

// foreign returns an entry of the log that did not extend the register.
func (m *Machine) foreign() entry {
	return m.runtimeEntry("not-in-the-register", []byte(hex.EncodeToString(m.seeded("foreign"))))
}

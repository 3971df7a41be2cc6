package tdvf

import (
	"fmt"
	"slices"

	"gitlauncher/measure"
)

// maxBoot bounds the events before the operating system, each register's. Real logs
// have 13, 5 and 2.
const maxBoot = 64

// Boot are the digests of an event log that were extended before the operating system
// ran, in RTMR0 to RTMR2. Names, types and payloads of these entries are in no
// register and are not read.
type Boot [3][]measure.Register

// ReadBoot takes them from a log. Entries of RTMR3 are left out. A log that leaves a
// digest empty, as dstack does with those that it can recompute, says nothing of what
// came before the operating system: the result is empty.
func ReadBoot(log measure.Log) (b Boot, err error) {
	if slices.ContainsFunc(log, func(e measure.Entry) bool { return e.IMR < uint32(len(b)) && e.Digest == "" }) {
		return Boot{}, nil
	}
	for i, e := range log {
		if e.IMR >= uint32(len(b)) {
			continue
		}
		digest, err := measure.ParseRegister(e.Digest)
		if err != nil {
			return Boot{}, fmt.Errorf("event log: entry %d of RTMR%d has no digest: %w", i, e.IMR, err)
		}
		if len(b[e.IMR]) == maxBoot {
			return Boot{}, fmt.Errorf("event log: RTMR%d has more than %d events", e.IMR, maxBoot)
		}
		b[e.IMR] = append(b[e.IMR], digest)
	}
	return b, nil
}

// Replay is what the digests make of one register.
func (b Boot) Replay(register int) (r measure.Register) {
	for _, digest := range b[register] {
		r = r.Extend(digest)
	}
	return r
}

// Stripped reports whether the log has nothing but the three digests of the host's
// tables, as dstack's shorter logs have it. They make no register by themselves.
func (b Boot) Stripped() (a ACPI, ok bool) {
	if len(b[0]) != len(a) || len(b[1]) > 0 || len(b[2]) > 0 {
		return a, false
	}
	return ACPI(b[0]), true
}

// ACPI are the three digests of the host's tables, where RTMR0 has as many events as
// the layout.
func (b Boot) ACPI() (a ACPI, ok bool) {
	if len(b[0]) != len(RTMR0Events(measure.Register{}, nil)) {
		return a, false
	}
	copy(a[:], b[0][acpiAt:])
	return a, true
}

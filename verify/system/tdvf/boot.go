package tdvf

import (
	"fmt"
	"slices"

	"gitlauncher/measure"
)

// maxBoot bounds the events of each register before the operating system. Real logs
// have 13, 5 and 2.
const maxBoot = 64

// Boot holds the digests that an event log has for RTMR0 to RTMR2, from before the
// operating system ran. Names, types and payloads of these entries are in no register,
// so they are not read.
type Boot [3][]measure.Register

// ReadBoot reads the digests from a log, and leaves out entries of RTMR3. dstack leaves
// digests empty that it can recompute. A log with an empty one says nothing about what
// came before the operating system, so the result is empty.
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
			return Boot{}, fmt.Errorf("event log: entry %d, in RTMR%d, has no digest: %w", i, e.IMR, err)
		}
		if len(b[e.IMR]) == maxBoot {
			return Boot{}, fmt.Errorf("event log: RTMR%d has more than %d events", e.IMR, maxBoot)
		}
		b[e.IMR] = append(b[e.IMR], digest)
	}
	return b, nil
}

// Replay returns the register that its digests make.
func (b Boot) Replay(register int) (r measure.Register) {
	for _, digest := range b[register] {
		r = r.Extend(digest)
	}
	return r
}

// Stripped returns the three digests of the host's tables if the log has nothing else,
// as dstack's shorter logs do. They make no register by themselves.
func (b Boot) Stripped() (a ACPI, ok bool) {
	if len(b[0]) != len(a) || len(b[1]) > 0 || len(b[2]) > 0 {
		return a, false
	}
	return ACPI(b[0]), true
}

// ACPI returns the three digests of the host's tables if RTMR0 has as many events as
// the layout.
func (b Boot) ACPI() (a ACPI, ok bool) {
	if len(b[0]) != len(RTMR0Events(measure.Register{}, nil)) {
		return a, false
	}
	copy(a[:], b[0][acpiAt:])
	return a, true
}

// Package tdvf says what a TDX VM's firmware, as dstack's images ship it, measures into
// RTMR0 to RTMR2: the events in their order, with the digest and the meaning of each.
// It computes the TD HOB for any size of memory, and reads these events from an event
// log.
//
// The threat: an event that nobody can explain is room for something that nobody
// expects. So every digest is a constant, or follows from what a reader accepted, or is
// named as the host's: the three of its ACPI tables.
//
// Package system judges; this package does not. It follows Intel's "TDX Virtual
// Firmware Design Guide", the hand-off blocks of the PI specification, and
// https://github.com/Dstack-TEE/dstack (dstack/dstack-mr), read and not copied.
package tdvf

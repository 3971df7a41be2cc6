// Package tdvf is what a TDX VM's firmware, as dstack's images ship it, measures into
// RTMR0 to RTMR2: the events in their order, with the digest and the meaning of each,
// the TD HOB among them for any size of memory, and the event log's side of it.
//
// The threat: an event that nobody can explain is room for something that nobody
// expects. So every digest is a constant, or follows from what a reader accepted, or is
// the host's and said to be the host's: the three of its ACPI tables.
//
// It judges nothing: package gitlauncher/verify/system does. It follows Intel's "TDX
// Virtual Firmware Design Guide", the hand-off blocks of the PI specification, and
// https://github.com/Dstack-TEE/dstack (dstack/dstack-mr), read and not copied.
package tdvf

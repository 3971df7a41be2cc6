// Package scan reads a pack once, entry by entry, while it arrives from a network, or from
// a disk that a workload could write to.
//
//	stream -> intake (file, checksum) -> scanner (inflate, offsets, CRC) -> contents
//
// The stream goes to a file at its own pace (intake.go), and is scanned from there
// (scanner.go). The end of an entry is known only when it was inflated. So one core would
// be busy and the others would wait. Instead they inflate what seem to be entries ahead of
// the scan, and the scan uses those that it reaches (ahead.go).
//
// The threat is a pack that claims another size or number of objects than it has, or bytes
// that look like entries and are none: no guess is believed.
//
// What it does not do: limit what contents cost (package pack does, by the headers), or
// name objects.
//
// Format: gitformat-pack(5), version 2.
package scan

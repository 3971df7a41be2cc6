// Package scan goes over a pack once, entry by entry, while it comes in from a network or
// lies on a disk that a workload could write.
//
//	stream -> intake (file, checksum) -> scanner (inflate, offsets, CRC) -> contents
//
// The stream runs into a file at its own pace (intake.go), and is scanned from there
// (scanner.go). Where one entry ends is known when it is inflated, which would keep one
// core busy and the others waiting; so those inflate ahead of the scan what seem to be
// entries, and the scan takes up what it comes to (ahead.go).
//
// The threat is a pack that claims another size or number than it has, or bytes that look
// like entries and are none: no guess is believed.
//
// What it does not do: bound what contents cost (package pack does, by the headers), or
// name objects.
//
// Format: gitformat-pack(5), version 2.
package scan

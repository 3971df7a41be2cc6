// Package system derives what a TDX quote's MRTD and RTMR0 to RTMR2 must be from one
// hash, the os_image_hash of a dstack image, and compares the two. It works on bytes
// alone: it fetches, opens and executes nothing.
//
// The threat: any TDX host can boot a kernel of its own and replay somebody's log into
// RTMR3 under a genuine quote. Only MRTD and RTMR0 to RTMR2 say which firmware, kernel,
// command line and initrd the VM runs, and a user can't obtain their values. From
// dstack 0.6 on an image ships a measurement document whose SHA-256 stands in the
// image's checksum file, whose SHA-256 is os_image_hash. So the hash that a reader took
// from the release page decides all four registers (VERIFY.md, "The system").
//
// What this package does not say:
//
//   - that the image is a good one: the person who chose the hash decided that;
//   - anything about the three digests of ACPI tables in RTMR0. The host makes the
//     tables, so they have a separate finding ([FindingACPI]);
//   - that dstack's words in vm_config are true. They help to find a value that is then
//     compared with a register, and never replace one.
//
// Formats follow dstack's dstack-types (https://github.com/Dstack-TEE/dstack), read and
// not copied. Package tdvf says what the firmware measures.
package system

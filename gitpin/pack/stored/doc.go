// Package stored makes and compares packs whose bytes follow from their objects: every
// object whole, nothing compressed.
//
// The threat is a pack that an earlier run of the workload could write to. To read such a
// pack would be to inflate, patch and hash what a stranger wrote. Instead it is compared
// byte for byte with what it must be, and where it differs it is made anew.
//
// What it does not do: prove the objects. The caller has proven an object before it puts
// it.
//
// Formats: gitformat-pack(5), version 2; RFC 1950; RFC 1951, 3.2.4.
package stored

// Package stored makes and compares packs whose bytes follow from their objects: every
// object whole, nothing compressed.
//
// The threat is a pack that the workload's previous run could write. To read such a pack
// is to inflate, patch and hash what a stranger wrote; here it is compared byte for byte
// with what it has to be, and where it differs it is made anew.
//
// What it does not do: prove the objects. The caller has, before it puts them.
//
// Formats: gitformat-pack(5), version 2; RFC 1950; RFC 1951, 3.2.4.
package stored

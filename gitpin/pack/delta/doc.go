// Package delta applies the deltas of packs: what an object copies from another one, its
// base, and what it adds.
//
// The threat is a delta that makes more than it announces, or copies from outside its
// base. Its sizes are read first, so that a caller can refuse the result before any of it
// is made.
//
// Format: gitformat-pack(5), "Deltified representation".
package delta

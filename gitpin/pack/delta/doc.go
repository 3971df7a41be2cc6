// Package delta applies the deltas of packs. A delta says what an object copies from
// another one, its base, and what it adds.
//
// The threat is a delta that makes more than it announces, or copies from outside its base.
// A caller gets the sizes first and can refuse the result before any of it is made.
//
// Format: gitformat-pack(5), "Deltified representation".
package delta

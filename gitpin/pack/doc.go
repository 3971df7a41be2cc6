// Package pack reads a Git pack as untrusted bytes and names every object in it
// by hashing that object's own content.
//
// Read goes over the stream once, from the network or from a disk that a
// workload could write:
//
//	stream -> intake (file, trailer) -> scanner (inflate, offsets, CRC) -> hash -> Sink
//
// The stream runs into a file at its own pace (intake.go), and is scanned from there.
// Where one entry ends is known when it is inflated, which would keep one core busy
// and the others waiting; so those inflate ahead of the scan what seem to be entries,
// and the scan takes up what it comes to (ahead.go).
//
// Commits, trees and tags are hashed in line, in the order of the stream, so
// that a sink which follows the tree chain knows a blob's paths by the time the
// blob comes. Blobs are hashed by workers; one of more than 4 MiB is never held
// in memory. A delta whose base is still at hand is resolved at once; the others
// wait for a second pass over the kept file (resolve.go), in parallel.
//
// The result is an Archive: the kept pack with an index of our own making. An index
// that somebody else made is never believed: with Claims it says where to look, and
// what is found there is hashed.
//
// Stored is a pack whose bytes follow from its objects, so that it can be compared
// with them instead of being read.
//
// What it does not do: decide which objects are wanted (package gitpin), or trust
// any of them. An object is nothing but its id here.
//
// Formats: gitformat-pack(5), versions 2 (pack) and 2 (index); RFC 1950 and RFC 1951.
package pack

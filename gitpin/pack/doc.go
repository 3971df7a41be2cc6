// Package pack reads a Git pack as untrusted bytes and names every object in it by hashing
// the object's own content.
//
// [Read] reads the stream once, from the network or from a disk that a workload could write
// to. These packages do the parts:
//
//	scan    the stream into a file, and the file entry by entry
//	entry   an entry's header, and its content through zlib
//	delta   an object from its base
//	index   the objects by id, and Git's index of them
//	stored  packs whose bytes follow from their objects
//	fault   the errors of all of these
//
// Commits, trees and tags are hashed one at a time, in the order of the stream. So a sink
// that follows the trees knows a blob's paths when the blob arrives. Workers hash blobs;
// one of more than 4 MiB is never in memory as a whole. A delta whose base is still in
// memory is resolved at once. The others are resolved in parallel, in a second pass over
// the kept file (resolve.go).
//
// The result is an [Archive]: the kept pack with a table of its objects. No index that
// somebody else made is believed: with [Claims] it says where to look, and what is found
// there is hashed.
//
// A pack has the format that its reader expects (package object). A pack of the other
// format is refused at its checksum, if not before.
//
// What it does not do: decide which objects are wanted (package gitpin does), or trust any
// of them.
//
// Formats: gitformat-pack(5), versions 2 (pack) and 2 (index); RFC 1950 and RFC 1951.
package pack

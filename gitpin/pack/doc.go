// Package pack reads a Git pack as untrusted bytes and names every object in it
// by hashing that object's own content.
//
// Read goes over the stream once, from the network or from a disk that a
// workload could write. Each part of the way is a package of its own:
//
//	scan    the stream into a file, and entry by entry through it
//	entry   an entry's header, and its content through zlib
//	delta   an object from its base
//	index   the objects by id, and Git's index of them
//	stored  packs whose bytes follow from their objects
//	fault   the errors of all of these
//
// Commits, trees and tags are hashed in line, in the order of the stream, so
// that a sink which follows the tree chain knows a blob's paths by the time the
// blob comes. Blobs are hashed by workers; one of more than 4 MiB is never held
// in memory. A delta whose base is still at hand is resolved at once; the others
// wait for a second pass over the kept file (resolve.go), in parallel.
//
// The result is an [Archive]: the kept pack with an index of our own making. An index
// that somebody else made is never believed: with [Claims] it says where to look, and
// what is found there is hashed.
//
// A pack is of the format that its reader expects (package object). One of the other
// format has another checksum at its end, if not before.
//
// What it does not do: decide which objects are wanted (package gitpin), or trust
// any of them. An object is nothing but its id here.
//
// Formats: gitformat-pack(5), versions 2 (pack) and 2 (index); RFC 1950 and RFC 1951.
package pack

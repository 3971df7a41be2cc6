// Package index has the objects of a pack, by their offset and by their id. It writes Git's
// index of a pack, and reads an index that somebody else wrote:
//
//	Table             table.go  the objects
//	Table.WriteIndex  write.go  the index, as `git index-pack` makes it
//	Read              read.go   claims about where objects are
//
// The threat is an index that lies. What Read returns are claims, with bounds on their
// number and offsets. Anyone who follows a claim hashes what is there.
//
// Format: gitformat-pack(5), version 2 of the index.
package index

// Package index knows the objects of a pack: by their place in it and by their id. It
// writes Git's index of a pack, and reads the index that somebody else wrote:
//
//	Table  table.go  the objects
//	Write  write.go  the index, as `git index-pack` makes it
//	Read   read.go   somebody's word for where objects lie
//
// The threat is an index that lies: what Read returns are claims, with bounds on their
// number and place. Anyone who follows one hashes what is there.
//
// Format: gitformat-pack(5), version 2 of the index.
package index

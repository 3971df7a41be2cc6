// Package proof follows the chain of hashes from one pinned commit down to the bytes of
// its files. It is the part of a launch that everything else rests on, small enough to
// be read alone:
//
//	Proof    proof.go    commit -> trees -> blobs, while a pack streams by
//	List     list.go     the whole tree, in the order of `git ls-tree -r`
//	Complete complete.go the files that the stream left out
//	large    large.go    a blob that is too large for memory
//	Closure  closure.go  what belongs to the pin, history included
//
// Each object was named by hashing its own bytes (package pack) before it comes here.
// So a file is proven once its blob's id stands in a tree, whose id stands in a tree,
// whose id stands in the commit that was pinned. A byte is handed to the [Writer] for
// its path only after the chain has named it; the one exception, a blob too large to
// be held, lies under no path until then.
//
// # The threat
//
// The server chooses which objects come, how many, how large, in which order, and what
// they are called in trees. Names and kinds that no checkout may
// have are refused (package object); entries and bytes are counted before they are
// written, also where one object is named at many paths.
//
// # What it does not check
//
// Where the pack came from, and whether the files land: it knows neither network nor
// disk. Where a symbolic link leads is for the workload to know. Names of tags are the
// server's word. Commits of submodules and contents of Git LFS are not in the tree.
//
// Formats: gitformat-pack(5), git-ls-tree(1), and the Git LFS specification, version 1,
// for its pointers.
package proof

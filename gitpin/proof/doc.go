// Package proof follows the chain of hashes from one pinned commit down to the bytes of its
// files. Everything else in a launch rests on it, so it is small enough to be read alone:
//
//	Proof    proof.go    commit -> trees -> blobs, while a pack streams by
//	List     list.go     the whole tree, in the order of `git ls-tree -r`
//	Complete complete.go the files that were not written while the pack streamed
//	large    large.go    a blob that is too large for memory
//	Closure  closure.go  what belongs to the pin, with history or without
//
// Before an object comes here, package pack has named it by hashing its own bytes. A file
// is proven if its blob's id is in a tree whose id is in a tree, and so on up to the commit
// that was pinned. A byte goes to the [Writer] for its path only after the chain has named
// its blob. The one exception is a blob too large for memory, which has no path until then.
//
// # The threat
//
// The server chooses which objects it sends, how many, how large, in which order, and what
// trees call them. Names and kinds that no checkout may have are refused (package object).
// Entries and bytes are counted before they are written, once for each path.
//
// # What it does not check
//
// Where the pack came from, and whether the files get onto a disk: it knows neither network
// nor disk. Nor does it check where a symbolic link leads. It can't prove a tag's name,
// which the server chooses. The files of submodules and the contents of Git LFS are not in
// the tree.
//
// Formats: gitformat-pack(5), git-ls-tree(1), and the Git LFS specification, version 1,
// for its pointers.
package proof

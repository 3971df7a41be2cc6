// Package gitpin makes a directory be exactly one pinned commit, proven from the
// commit's id down to the last byte, or fails.
//
// # The rooms
//
//	object    ids, commits and trees from bytes
//	pack      a pack of strangers, each object named by its own bytes
//	proof     from the commit's id to the files, without network or disk
//	worktree  the files on the disk: written, or checked
//	workdir   the lock, the checkout that is there, the swap
//	gitdir    .git around a pack
//	submodule what .gitmodules says of the gitlinks of a tree
//	fetch     a pack from a host, as a stream
//
// This package tells them what to do, in two stories.
//
// # A cold launch
//
//	workdir.Open, Lock   one launcher at a time
//	fetch.Fetch          asks for the pin alone, at depth 1
//	pack.Read            one pass over the stream: keep, inflate, hash, index
//	proof.Proof          commit -> trees -> blobs, each named by its own bytes
//	worktree.Writer      files, in a fresh directory, as their blobs stream by
//	gitdir.Write         .git from nothing around the pack
//	workdir.Swap         in WORK_DIR's place, atomically
//
// While a pack streams in, the proof follows the chain from the pinned id: a tree is
// expanded when it arrives, and a blob that an expanded tree names is written at
// once. What comes in another order, or is needed at several paths, is taken from the
// kept pack afterwards. Either way a byte is at its path only after the chain has named
// it.
//
// # A restart
//
// A restart believes nothing of what it finds and needs no network (restart.go):
//
//	workdir.OpenKept   the one pack that is there, and its index as a hint
//	pack.Claims        commit and trees, found by that hint and hashed
//	worktree.Checker   names, kinds, modes, owners; then every byte of every file
//	worktree.Stored    the pack of the new .git, of what was just proven
//	workdir.SwapGit    the new .git in the place of the old one
//
// The files are the proof, so the blobs in the pack that is there need not even be
// unpacked: whatever they are, Git will get the proven ones. The pack of the new .git
// is a stored one, whose bytes follow from its objects (package stored). The first
// restart writes it; later ones find it there, compare it byte for byte with the
// files while these are hashed, and keep it. So a cold launch pays nothing for
// restarts, and restarts write nothing but an index; the price is that such a .git
// is as large as the files.
//
// Where the index lies, the pack is read as a whole like a stranger's. Where the files
// are not the proven ones, they are made anew from it. Where it is no good either, it is
// fetched. With FETCH_DEPTH=full there is history beside the files, and the pack is
// always read as a whole.
//
// # Submodules
//
// A commit pins its gitlinks. So with SUBMODULES=recursive each goes the same way as the
// pinned commit, into the same draft, after the repository that it belongs to: fetched from
// the address in .gitmodules, proven down from its own id, and checked at a restart
// (submodules.go). Their Git directories lie in .git/modules, as Git has them, so that one
// exchange puts all in place or none. The limits hold over all together.
//
// # Git LFS
//
// A pointer in the tree names a content by SHA-256 and size, and so proves it. Contents
// come once their tree is proven, and take the pointers' places in the draft (contents.go).
// The pack keeps the pointers. A pointer has one form, so a restart makes it anew from the
// content on the disk, and compares its id with the tree's ([worktree.Checker]).
//
// # Formats
//
// A repository is of one object format, SHA-1 or SHA-256, and the pin's id says of which.
// All of the above reads and writes either. A pin of one format is refused in a repository
// of the other.
//
// # The threat
//
// The Git host, the network and the workload's previous run, which could write
// everything in WORK_DIR and beside it, are adversaries. So nothing that the
// server or the disk says an object's id is, counts; no index, stat data, ref, hook,
// configuration or attribute that was there is used; names that lead elsewhere are
// refused; and everything has a limit.
//
// # What it does not do
//
// It proves nothing about names of tags. It does not decide what is run, nor
// measure (package measure). For authors, [Resolve] asks what a name is now and
// [Reachable] whether anything published leads to a commit; a launch asks neither.
//
// Formats and protocol: gitprotocol-pack(5), gitprotocol-http(5), gitformat-pack(5),
// gitformat-index(5).
package gitpin

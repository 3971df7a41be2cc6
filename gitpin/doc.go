// Package gitpin makes a directory exactly one pinned commit, proven from the commit's id
// down to the last byte, or fails.
//
// # The rooms
//
//	object    ids, commits and trees from bytes
//	pack      a stranger's pack, each object named by its own bytes
//	proof     from the commit's id to the files, without network or disk
//	worktree  the files on the disk: written, or checked
//	workdir   the lock, the existing checkout, the swap
//	gitdir    .git around a pack
//	submodule what .gitmodules says about the gitlinks of a tree
//	lfs       Git LFS pointers and the batch API
//	fetch     a pack from a host, as a stream
//
// This package tells them what to do, in two stories: pin.go and restart.go. Beside them,
// submodules.go and contents.go (Git LFS) place what lies beyond the commit's own tree, entry.go
// finds the script that a launch runs, and author.go answers questions of those who write a
// config.
//
// # A cold launch
//
//	workdir.Open, Lock   one launcher at a time
//	fetch.Fetch          asks for the pin only, at depth 1
//	pack.Read            one pass over the stream: keep, inflate, hash, index
//	proof.Proof          commit -> trees -> blobs, each named by its own bytes
//	worktree.Writer      files, in a new directory, as their blobs stream by
//	gitdir.Place.Write   a new .git around the pack
//	workdir.Dir.Swap     into WORK_DIR's place, atomically
//
// While a pack streams in, the proof follows the chain from the pinned id. It expands a
// tree when the tree arrives, and writes a blob at once if an expanded tree names it. Blobs
// that come in another order, or are at several paths, are read from the kept pack
// afterwards. Either way a byte is at its path only after the chain has named its blob.
//
// # A restart
//
// A restart believes nothing that it finds and needs no network (restart.go):
//
//	workdir.Dir.OpenKept   the pack of the existing checkout, and its index as a hint
//	pack.Claims            commit and trees, found by that hint and hashed
//	worktree.Checker       names, kinds, modes, owners; then every byte of every file
//	worktree.Stored        the pack of the new .git, from what was just proven
//	workdir.Dir.SwapGit    the new .git into the place of the old one
//
// The proven files have the content of every blob, so the pack's blobs need not even be
// unpacked: the new .git gets the proven ones. Its pack is a stored one, whose bytes follow
// from its objects (package stored). The first restart writes it. Later ones find it,
// compare it byte for byte with the files while these are hashed, and keep it. So a cold
// launch pays nothing for restarts, and restarts write only an index. The price is that
// such a .git is as large as the files.
//
// If the index lies, the whole pack is read like a stranger's. If the files are not the
// proven ones, they are made anew from the pack. If the pack is bad, too, it is fetched.
// With FETCH_DEPTH=full the whole pack is always read, since it also has history.
//
// # Submodules
//
// A commit pins its gitlinks. So with SUBMODULES=recursive each submodule is treated like
// the pinned commit, after the repository that it belongs to and in the same draft: fetched
// from the address in .gitmodules, proven from its own id, and checked at a restart
// (submodules.go). The Git directories are in .git/modules, as Git has them, so that one
// exchange puts all of them in place or none. The limits are for all together.
//
// # Git LFS
//
// A pointer in the tree names a content by SHA-256 and size, and so proves it. The contents
// replace the pointers in the draft once their tree is proven (contents.go): those that the
// old checkout has are copied, and hashed on the way; others are fetched. The pack keeps the pointers. For a large content, a restart reads the pointer
// from the pack, and compares its SHA-256 with that of the content on the disk. For a small
// one, it computes the pointer from the content, since a pointer has one form, and compares
// the pointer's id with the one in the tree ([worktree.Checker]).
//
// # Formats
//
// A repository has one object format, SHA-1 or SHA-256, and the pin's id says which. All
// rooms read and write both. A pin of one format is refused in a repository of the other.
//
// # The threat
//
// The adversaries are the Git host, the network, and an earlier run of the workload, which
// could write to WORK_DIR and everything beside it. So neither the server nor the disk is
// believed about an object's id. No index, stat data, ref, hook, configuration or attribute
// of the existing checkout is used. Names that lead elsewhere are refused, and everything
// has a limit.
//
// # What it does not do
//
// It proves nothing about names of tags. It does not decide what runs, and does not measure
// (package measure does). For authors, [Resolve] asks for the commit of a name, and
// [Reachable] whether a branch or a tag leads to a commit. A launch asks neither.
//
// Formats and protocol: gitprotocol-pack(5), gitprotocol-http(5), gitformat-pack(5),
// gitformat-index(5).
package gitpin

// Package gitpin makes a directory be exactly one pinned commit, proven from the
// commit's id down to the last byte, or fails.
//
// # The way of the data
//
//	openWorkDir, acquire   workdir.go   lock; one launcher at a time
//	reuse                  reuse.go     read the checkout that is there, as a stranger's
//	fetch                  fetch.go     a pack from the server (http.go, ssh.go, local.go)
//	pack.Read              pack/        one pass: inflate, hash, index
//	proof                  prove.go     commit -> trees -> blobs, each named by its own bytes
//	writer                 place.go     files, in a fresh directory, as their blobs stream by
//	gitDir                 gitdir.go    .git from scratch around the pack
//	swap                   swap.go      in WORK_DIR's place, atomically
//
// While a pack streams in, proof follows the chain from the pinned id: a tree is
// expanded when it arrives, and a blob that an expanded tree names is written at
// once. What comes in another order, is large, or is needed at several paths is
// taken from the kept pack afterwards (complete). Either way a byte is on disk only
// after the chain has named it.
//
// A restart goes the same way with the kept pack as the stream, and instead of
// writing files it compares those that are there (checker). If they differ, they are
// made anew from the pack, without network; if the pack is not good, it is fetched.
//
// # The threat
//
// The Git host, the network and the workload's previous run, which could write
// everything in WORK_DIR and beside it, are adversaries. So nothing that go-git, the
// server or the disk says an object's id is, counts; no index, stat data, ref, hook,
// configuration or attribute that was there is used; names that lead elsewhere are
// refused; and everything has a limit.
//
// For authors, resolve.go asks what a name is now and whether anything published leads
// to a commit; a launch asks neither.
//
// # What it does not do
//
// It fetches no submodules and no Git LFS contents, speaks no SHA-256 repositories,
// and proves nothing about names of tags. It does not decide what is run, nor
// measure (package measure).
//
// Formats and protocol: gitprotocol-pack(5), gitformat-pack(5), gitformat-index(5).
package gitpin

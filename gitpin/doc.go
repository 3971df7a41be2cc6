// Package gitpin makes a directory be exactly one pinned commit, proven from the
// commit's id down to the last byte, or fails.
//
// # A cold launch
//
//	openWorkDir, acquire   workdir.go   lock; one launcher at a time
//	fetch                  fetch.go     ask for the pin alone, at depth 1 (http.go, ssh.go, local.go)
//	pack.Read              pack/        one pass over the stream: keep, inflate, hash, index
//	proof                  prove.go     commit -> trees -> blobs, each named by its own bytes
//	writer, largeFile      place.go     files, in a fresh directory, as their blobs stream by
//	staging.store, gitDir  staging.go   .git from scratch around the pack
//	swap                   swap.go      in WORK_DIR's place, atomically
//
// While a pack streams in, proof follows the chain from the pinned id: a tree is
// expanded when it arrives, and a blob that an expanded tree names is written at
// once. One that is too large for memory is written under a name of no consequence,
// and renamed when its hash has proven whose it is (large.go). What comes in another
// order, or is needed at several paths, is taken from the kept pack afterwards
// (complete). Either way a byte is at its path only after the chain has named it.
//
// Two things take time: inflating, in which cores share (pack/ahead.go), and system
// calls, which is why files are reached by handles of their directories (dirs.go)
// rather than by paths.
//
// # A restart
//
// A restart believes nothing of what it finds and needs no network (restart.go):
//
//	openStore   reuse.go     the one pack that is there, and its index as a hint
//	byClaims    restart.go   commit and trees, found by that hint and hashed
//	checker     check.go     names, kinds, modes, owners; then every byte of every file
//	restore     restart.go   the pack of the new .git, of what was just proven
//	swapGit     swap.go      the new .git in the place of the old one
//
// The files are the proof, so the blobs in the pack that is there need not even be
// unpacked: whatever they are, Git will get the proven ones. The pack of the new .git
// is a stored one, whose bytes follow from its objects (pack.Stored). The first
// restart writes it; later ones find it there, compare it byte for byte with the
// files while these are hashed, and keep it. So a cold launch pays nothing for
// restarts, and restarts write nothing but an index; the price is that such a .git
// is as large as the files.
//
// Where the index lies, the pack is read as a whole like a stranger's (byReading).
// Where the files are not the proven ones, they are made anew from it (anew). Where
// it is no good either, it is fetched. With FETCH_DEPTH=full there is history beside
// the files, and the pack is always read as a whole.
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
// Formats and protocol: gitprotocol-pack(5), gitprotocol-http(5), gitformat-pack(5),
// gitformat-index(5).
package gitpin

// Package worktree makes and checks the files of a proven tree on a disk, through
// handles of their directories:
//
//	Writer   writer.go    makes files where there were none (large.go: one of unknown path)
//	Checker  checker.go   names, kinds, modes, owners of what is there
//	         contents.go  then every byte
//	Stored   stored.go    the stored pack of the files, written or compared meanwhile
//	Remove   remove.go    whatever has a name, however deep and closed
//	Stat     stat.go      what Git's index keeps of a file
//
// Two things take time here, hashing and system calls. So workers share the files, and
// reach them by a directory's handle and one name (dirs.go) rather than by paths. So no
// name can lead elsewhere, either: no component is followed if it is a symbolic link.
//
// # The threat
//
// The workload's previous run could write everything here. So what is there is
// compared with the proven tree by every byte; hard links, other owners, modes, access
// rules and attributes, and times of its choosing do not survive; files that change
// while they are read are refused; and removing stops at nothing that it left.
//
// # What it does not check
//
// Whether the tree is the right one (package proof), and .git (package gitdir). Nobody
// else may write here meanwhile: package workdir holds the lock among launchers, and
// the workload does not run yet.
//
// Formats: gitformat-index(5) for what a Stat holds.
package worktree

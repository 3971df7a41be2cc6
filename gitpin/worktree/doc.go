// Package worktree makes and checks the files of a proven tree on a disk, through handles of
// their directories:
//
//	Writer   writer.go    makes files where there were none (large.go: one of unknown path)
//	Checker  checker.go   checks names, kinds, modes and owners
//	         contents.go  and then every byte
//	Stored   stored.go    the stored pack of the files, written or compared meanwhile
//	Remove   remove.go    removes a name, however deep and closed it is
//	Stat     stat.go      what Git's index keeps of a file
//	Thaw     thaw.go      makes a name removable (attributes.go: access rules, too)
//
// Hashing and system calls take the time here. So workers share the files, and reach them by
// a directory's handle and one name (dirs.go) rather than by paths. For the same reason no
// name can lead elsewhere: no component that is a symbolic link is followed.
//
// # The threat
//
// An earlier run of the workload could write everything here. So every byte is compared with
// the proven tree. Hard links, other owners, modes, access rules, attributes and times that
// the run chose do not survive. A file that changes while it is read is refused, and nothing
// that the run left stops a removal.
//
// # What it does not check
//
// Whether the tree is the right one (package proof does), and .git (package gitdir makes
// it). Nobody else may write here meanwhile: package workdir has the lock among launchers,
// and the workload does not run yet.
//
// Formats: gitformat-index(5), for the fields of a Stat.
package worktree

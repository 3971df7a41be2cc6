// Package gitdir makes a new .git directory around a pack of proven objects, so that git
// finds a clean clone of the pin:
//
//	Make    gitdir.go   the directories
//	Write   gitdir.go   the pack under its name, and all other files
//	        index.go    Git's index, from the files' own stat data
//	Repack  repack.go   a pack of only the pin, where more was sent
//
// # The threat
//
// Anyone who can write to .git steers git and the programs that call it, by hooks, filters,
// alternates, replaced objects or a moved HEAD. So nothing of an earlier .git is used but
// the pack's bytes, which were proven. A host chooses the content of no file, except the
// tags: their objects are proven, and their names are the host's.
//
// # What it does not check
//
// The pack, which must have the closure of the pin and nothing else (package proof).
//
// Formats: gitrepository-layout(5), gitformat-index(5) version 2, gitformat-pack(5).
package gitdir

// Package gitdir makes the .git directory around a pack of proven objects, from nothing,
// so that git finds a clean clone of the pin:
//
//	Make    gitdir.go   the directories
//	Write   gitdir.go   the pack under its name, and everything beside it
//	        index.go    Git's index, from the files' own stat data
//	Repack  repack.go   a pack of the pin alone, where more was sent
//
// # The threat
//
// A .git that somebody else could write steers git and whatever calls it: hooks, filters,
// alternates, replaced objects, a moved HEAD. So nothing of an earlier .git is taken
// over but the pack's bytes, which were proven. No file is made whose content a host
// chose, except tags, of which the object is proven and the name is the host's word.
//
// # What it does not check
//
// The pack: it must hold the closure of the pin and nothing else (package proof).
//
// Formats: gitrepository-layout(5), gitformat-index(5) version 2, gitformat-pack(5).
package gitdir
